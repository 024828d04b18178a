// An engine for statements of people: it reads below some folders and nowhere else, and can be told to stop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/engine.h"

namespace feedmill::query {

// SQL reads files below `folders` only, writes none, and cannot open more again. Their temporary folder is one of them.
Result<std::unique_ptr<Engine>> OpenConfinedEngine(const EngineOptions& options,
                                                   const std::vector<std::string>& folders);

// Ends the running statement; its call answers kAborted. Any thread.
void Interrupt(Session& session);

}  // namespace feedmill::query
