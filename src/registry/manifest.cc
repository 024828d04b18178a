// Manifest <-> JSON, sealing and verifying a bundle folder. Format: docs/formats/bundle.md.
#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "registry/registry.h"

namespace feedmill::registry {
namespace {

using Json = nlohmann::json;  // keeps keys sorted: the text is canonical

constexpr size_t kManifestBytesMax = 1 << 20;
constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kIdDigits = 16;
constexpr int kFormatVersion = 1;

Result<std::string> HashFile(io::FileSystem& files, const std::string& path, uint64_t size) {
  FEEDMILL_ASSIGN(const auto file, files.OpenForRead(path));
  Sha256 hash;
  std::string piece;
  for (uint64_t at = 0; at < size; at += piece.size()) {
    FEEDMILL_TRY(file->ReadAt(at, kReadBytes, &piece));
    if (piece.empty()) return Corrupt("{}: ends at byte {}, {} expected", path, at, size);
    hash.Update(piece);
  }
  return hash.FinishHex();
}

std::string IdOf(const BundleManifest& manifest) {
  return Sha256Hex(FormatManifest(manifest, false)).substr(0, kIdDigits);
}

Status CheckFinite(const BundleManifest& manifest) {
  const auto check = [](std::string_view what, const std::string& name, double value) -> Status {
    if (std::isfinite(value)) return Ok();
    return InvalidArgument("{} '{}' is {}; a manifest holds finite numbers only", what, name, value);
  };
  for (const auto& [name, value] : manifest.metrics) FEEDMILL_TRY(check("metric", name, value));
  for (const auto& [name, value] : manifest.action_weights) FEEDMILL_TRY(check("weight of action", name, value));
  for (const auto& [name, value] : manifest.calibration) {
    FEEDMILL_TRY(check("calibration of action", name, value.first));
    FEEDMILL_TRY(check("calibration of action", name, value.second));
  }
  return Ok();
}

// A name within the folder: letters, digits, '_', '-', '.'; no path and nothing hidden.
bool IsPlainName(std::string_view name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 200 && name[0] != '.' && std::ranges::all_of(name, plain);
}

Result<BundleManifest> FromJson(const Json& json) {
  if (json.value("format", 0) != kFormatVersion)
    return Corrupt("format {} found, {} allowed", json.value("format", 0), kFormatVersion);
  BundleManifest manifest;
  manifest.id = json.at("id").get<std::string>();
  manifest.created_at = json.at("created_at").get<int64_t>();
  manifest.data_cut = json.at("data_cut").get<int64_t>();
  manifest.feature_set_hash = json.at("feature_set_hash").get<std::string>();
  manifest.compared_to = json.at("compared_to").get<std::string>();
  manifest.metrics = json.at("metrics").get<std::map<std::string, double>>();
  manifest.action_weights = json.at("action_weights").get<std::map<std::string, double>>();
  manifest.calibration = json.at("calibration").get<std::map<std::string, std::pair<double, double>>>();
  for (const Json& file : json.at("files")) {
    manifest.files.push_back({file.at("name").get<std::string>(), file.at("sha256").get<std::string>(),
                              file.at("size_bytes").get<uint64_t>()});
    if (!IsPlainName(manifest.files.back().name))
      return Corrupt("file name '{}' is not a plain name", manifest.files.back().name);
  }
  return manifest;
}

Status VerifyFile(io::FileSystem& files, const std::string& folder, const BundleFile& file) {
  const std::string path = folder + "/" + file.name;
  const auto size = files.FileSize(path);
  if (!size) return std::unexpected(size.error().WithContext("a file of the bundle"));
  if (*size != file.size_bytes)
    return Corrupt("{}: {} bytes found, the manifest says {}", path, *size, file.size_bytes);
  FEEDMILL_ASSIGN(const std::string hash, HashFile(files, path, *size));
  if (hash != file.sha256) return Corrupt("{}: SHA-256 {} found, the manifest says {}", path, hash, file.sha256);
  return Ok();
}

}  // namespace

std::string FormatManifest(const BundleManifest& manifest, bool with_id) {
  Json json = {{"format", kFormatVersion},
               {"created_at", manifest.created_at},
               {"data_cut", manifest.data_cut},
               {"feature_set_hash", manifest.feature_set_hash},
               {"compared_to", manifest.compared_to},
               {"metrics", manifest.metrics},
               {"action_weights", manifest.action_weights},
               {"calibration", manifest.calibration},
               {"files", Json::array()}};
  for (const BundleFile& file : manifest.files) {
    json["files"].push_back({{"name", file.name}, {"sha256", file.sha256}, {"size_bytes", file.size_bytes}});
  }
  if (with_id) json["id"] = manifest.id;
  return json.dump(1) + "\n";
}

Result<BundleManifest> ParseManifest(std::string_view text) {
  if (text.size() > kManifestBytesMax)
    return Corrupt("a manifest of {} bytes; at most {} allowed", text.size(), kManifestBytesMax);
  try {
    FEEDMILL_ASSIGN(BundleManifest manifest, FromJson(Json::parse(text)));
    const std::string expected = IdOf(manifest);
    if (manifest.id != expected) return Corrupt("id {} found, the content hashes to {}", manifest.id, expected);
    return manifest;
  } catch (const Json::parse_error& error) {
    return Corrupt("not a manifest: no JSON from byte {} on", error.byte);
  } catch (const Json::exception&) {
    return Corrupt("not a manifest: a member is missing or of another type");
  }
}

Status SealBundle(io::FileSystem& files, const std::string& folder, BundleManifest* manifest) {
  FEEDMILL_TRY(CheckFinite(*manifest));
  FEEDMILL_ASSIGN(const std::vector<std::string> names, files.List(folder));
  manifest->files.clear();
  for (const std::string& name : names) {
    if (name == kManifestFile) continue;
    if (!IsPlainName(name)) return InvalidArgument("{}: file name '{}' is not a plain name", folder, name);
    const std::string path = fmt::format("{}/{}", folder, name);
    FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(path));
    FEEDMILL_ASSIGN(std::string hash, HashFile(files, path, size));
    manifest->files.push_back({name, std::move(hash), size});
  }
  manifest->id = IdOf(*manifest);
  return io::WriteFileAtomically(files, folder + "/" + kManifestFile, FormatManifest(*manifest, true));
}

Result<BundleManifest> VerifyBundle(io::FileSystem& files, const std::string& folder) {
  const std::string path = folder + "/" + kManifestFile;
  FEEDMILL_ASSIGN(const uint64_t size, files.FileSize(path));
  if (size > kManifestBytesMax) return Corrupt("{}: {} bytes; at most {} allowed", path, size, kManifestBytesMax);
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  auto manifest = ParseManifest(text);
  if (!manifest) return std::unexpected(manifest.error().WithContext(path));
  for (const BundleFile& file : manifest->files) FEEDMILL_TRY(VerifyFile(files, folder, file));
  return manifest;
}

}  // namespace feedmill::registry
