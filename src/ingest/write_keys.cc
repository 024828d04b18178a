#include "ingest/write_keys.h"

#include <algorithm>

#include "base/secret.h"
#include "base/text_encoding.h"

namespace feedmill::ingest {

Result<WriteKeys> WriteKeys::Make(std::vector<WriteKey> keys) {
  if (keys.empty()) return InvalidArgument("no write key: at least one is needed");
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name.empty() || keys[i].key.empty())
      return InvalidArgument("write key {}: name and key must not be empty", i + 1);
    for (size_t j = 0; j < i; ++j) {
      if (keys[j].name == keys[i].name) return InvalidArgument("write key '{}' is given twice", keys[i].name);
      if (SecretsEqual(keys[j].key, keys[i].key)) {
        return InvalidArgument("write keys '{}' and '{}' are the same key", keys[j].name, keys[i].name);
      }
    }
  }
  WriteKeys made;
  made.keys_ = std::move(keys);
  return made;
}

WriteKeys WriteKeys::Of(WriteKey app, WriteKey import, FindWriter find) {
  WriteKeys made;
  made.keys_ = {std::move(app), std::move(import)};
  made.asked_ = std::make_unique<Asked>();
  made.asked_->find = std::move(find);
  return made;
}

const WriteKey* WriteKeys::Ask(std::string_view key) const {
  auto writer = asked_->find(key);
  if (!writer) return nullptr;
  const MutexLock lock(asked_->mutex);
  const auto [known, is_new] = asked_->known.try_emplace({writer->name, writer->bulk}, keys_[writer->bulk ? 1 : 0]);
  if (is_new) known->second.name = std::move(writer->name);
  return &known->second;
}

const WriteKey* WriteKeys::Find(std::string_view key) const {
  if (asked_) return Ask(key);
  const WriteKey* found = nullptr;
  for (const auto& candidate : keys_) {
    if (SecretsEqual(candidate.key, key)) found = &candidate;  // no early end: time must not tell which
  }
  return found;
}

size_t WriteKeys::unknown_bytes_max() const {
  return std::ranges::min(keys_, {}, &WriteKey::batch_bytes_max).batch_bytes_max;
}

std::optional<std::string> BasicUser(std::string_view credentials) {
  auto decoded = credentials.empty() ? std::nullopt : Base64Decode(credentials);
  if (!decoded) return std::nullopt;
  return decoded->substr(0, decoded->find(':'));
}

}  // namespace feedmill::ingest
