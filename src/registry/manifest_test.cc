#include <cmath>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "registry/registry.h"

namespace feedmill::registry {
namespace {

using testing::HasSubstr;

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_manifest_{}", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("posts.flat", "posts");
    Write("rank_click.model", "trees");
  }
  ~ManifestTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view content) {
    ASSERT_THAT(io::WriteFileAtomically(files_, (folder_ / name).string(), content), IsOk());
  }
  BundleManifest Sealed() {
    BundleManifest manifest;
    manifest.created_at = 1;
    manifest.data_cut = 2;
    manifest.feature_set_hash = "f00d";
    manifest.metrics = {{"ndcg10", 0.1 + 0.2}, {"auc", 0.7}};
    manifest.action_weights = {{"click", 1}, {"hide", -5}};
    manifest.calibration = {{"click", {1.5, -0.25}}};
    EXPECT_THAT(SealBundle(files_, folder_.string(), &manifest), IsOk());
    return manifest;
  }
  Result<BundleManifest> Verified() { return VerifyBundle(files_, folder_.string()); }

  io::FileSystem& files_ = io::PosixFileSystem();
  std::filesystem::path folder_;
};

TEST_F(ManifestTest, SealedIsVerifiedWithEveryField) {
  const BundleManifest sealed = Sealed();
  const auto read = Verified();
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->id, sealed.id);
  EXPECT_EQ(read->id.size(), 16u);
  EXPECT_EQ(read->data_cut, 2);
  EXPECT_EQ(read->metrics, sealed.metrics);
  EXPECT_EQ(read->action_weights, sealed.action_weights);
  EXPECT_EQ(read->calibration, sealed.calibration);
  ASSERT_EQ(read->files.size(), 2u);
  EXPECT_EQ(read->files[1].name, "rank_click.model");
  EXPECT_EQ(read->files[1].size_bytes, 5u);
}

TEST_F(ManifestTest, TheIdIsTheContent) {
  const std::string first = Sealed().id;
  EXPECT_EQ(Sealed().id, first);
  Write("posts.flat", "other");
  EXPECT_NE(Sealed().id, first);
}

TEST_F(ManifestTest, ChangedBytesAreRefusedByName) {
  Sealed();
  Write("posts.flat", "pOsts");
  EXPECT_THAT(Verified(), IsError(ErrorKind::kCorrupt, HasSubstr("posts.flat: SHA-256")));
  Write("posts.flat", "longer than before");
  EXPECT_THAT(Verified(), IsError(ErrorKind::kCorrupt, HasSubstr("18 bytes found, the manifest says 5")));
  std::filesystem::remove(folder_ / "posts.flat");
  EXPECT_THAT(Verified(), IsError(ErrorKind::kNotFound, HasSubstr("posts.flat")));
}

TEST_F(ManifestTest, ChangedManifestIsRefused) {
  Sealed();
  const std::string path = (folder_ / kManifestFile).string();
  std::string text = io::ReadWholeFile(files_, path).value();
  text.replace(text.find("-5"), 2, "-6");
  Write(kManifestFile, text);
  EXPECT_THAT(Verified(), IsError(ErrorKind::kCorrupt, HasSubstr("the content hashes to")));
  Write(kManifestFile, "{}");
  EXPECT_THAT(Verified(), IsError(ErrorKind::kCorrupt, HasSubstr("format 0 found, 1 allowed")));
  Write(kManifestFile, text.substr(0, 40));
  EXPECT_THAT(Verified(), IsError(ErrorKind::kCorrupt, HasSubstr("not a manifest")));
}

TEST_F(ManifestTest, NamesThatLeadOutOfTheFolderAreRefused) {
  BundleManifest manifest;
  for (const char* name : {"../secret", "a/b", ".hidden", "", "/etc/passwd"}) {
    manifest.files = {{name, "00", 0}};
    EXPECT_THAT(ParseManifest(FormatManifest(manifest, true)),
                IsError(ErrorKind::kCorrupt, HasSubstr("is not a plain name")))
        << name;
  }
}

TEST_F(ManifestTest, NumbersMustBeFinite) {
  BundleManifest manifest;
  manifest.metrics["auc"] = NAN;
  EXPECT_THAT(SealBundle(files_, folder_.string(), &manifest),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("metric 'auc' is nan")));
}

}  // namespace
}  // namespace feedmill::registry
