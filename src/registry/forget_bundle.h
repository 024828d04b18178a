// For whoever removes the files of bundles whose time is over.
#pragma once

#include <string>

#include "base/result.h"
#include "meta/store.h"

namespace feedmill::registry {

// Its record goes: nobody can go back to it. kConflict when it is live, kNotFound when there is none.
Status ForgetBundle(meta::Store& store, const std::string& id);

}  // namespace feedmill::registry
