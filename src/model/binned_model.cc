#include <algorithm>
#include <cstring>
#include <new>

#include "model/binned_internal.h"

namespace feedmill::model {
namespace {

constexpr std::align_val_t kAlignment{64};

class BinnedModel final : public TreeModel {
 public:
  BinnedModel(Ensemble ensemble, BinnedEnsemble binned, BlockKernel kernel)
      : ensemble_(std::move(ensemble)), binned_(std::move(binned)), kernel_(kernel) {}

  size_t feature_count() const override { return ensemble_.feature_names.size(); }
  size_t tree_count() const override { return ensemble_.trees.size(); }
  const std::vector<std::string>& feature_names() const override { return ensemble_.feature_names; }

  void Score(std::span<const float> rows, size_t row_count, std::span<double> out, bool probability) const override {
    BlockScratch scratch(binned_);
    for (size_t first = 0; first < row_count; first += kBlockRows) {
      const size_t count = std::min(kBlockRows, row_count - first);
      kernel_(binned_, rows.data() + first * feature_count(), count, &scratch);
      std::memcpy(out.data() + first, scratch.sums(), count * sizeof(double));
    }
    if (probability) ApplyLink(ensemble_, out.first(row_count));
  }

 private:
  Ensemble ensemble_;
  BinnedEnsemble binned_;
  BlockKernel kernel_;
};

}  // namespace

void BlockScratch::Free::operator()(uint8_t* memory) const { ::operator delete[](memory, kAlignment); }

BlockScratch::BlockScratch(const BinnedEnsemble& binned) : codes_bytes_(binned.columns.size() * kBlockRows) {
  const size_t slot_count = kByteLeavesMax + kSlots;
  const size_t turned_bytes = (binned.feature_count + 7) / 8 * 8 * kTurnedRows * sizeof(float);
  const size_t bytes = codes_bytes_ + slot_count * kSlotBytes + kBlockRows * sizeof(double) + turned_bytes;
  area_.reset(static_cast<uint8_t*>(::operator new[](bytes, kAlignment)));
  // Lanes past the last row are computed too, on whatever codes lie there.
  std::memset(codes(), 0, codes_bytes_);
  for (size_t i = 0; i < slot_count; ++i) std::memset(slots() + i * kSlotBytes, static_cast<int>(i & 0xff), kSlotBytes);
}

std::unique_ptr<TreeModel> MakeBinnedModel(Ensemble ensemble, BinnedEnsemble binned, BlockKernel kernel) {
  return std::make_unique<BinnedModel>(std::move(ensemble), std::move(binned), kernel);
}

Result<std::unique_ptr<TreeModel>> ParseLightGbmModel(std::string_view text) {
  FEEDMILL_ASSIGN(Ensemble ensemble, ParseEnsemble(text));
  BinnedEnsemble binned;
  if (!CompileEnsemble(ensemble, &binned)) return MakeWalkedModel(std::move(ensemble));
  return MakeBinnedModel(std::move(ensemble), std::move(binned),
                         MachineHasAvx512() ? ScoreBlockAvx512 : ScoreBlockAvx2);
}

}  // namespace feedmill::model
