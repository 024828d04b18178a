// The template's domain, for tests.
#pragma once

#include "domain/domain.h"

namespace feedmill::domain {

inline DomainPtr TemplateDomain() {
  return LoadDomain(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/domain.toml").value();
}

}  // namespace feedmill::domain
