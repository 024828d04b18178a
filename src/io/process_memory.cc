#include <unistd.h>
#include <dirent.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "io/process_memory_internal.h"

namespace feedmill::io {
namespace {

struct ProcessStat {
  pid_t group = 0;
  uint64_t resident_pages = 0;
};

// proc(5), /proc/[pid]/stat: the name in parentheses may hold anything, so fields are counted after the last one.
bool ReadStat(const char* pid, ProcessStat* stat) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen((std::string("/proc/") + pid + "/stat").c_str(), "re"),
                                             &std::fclose);
  if (!file) return false;
  char line[1024];
  if (std::fgets(line, sizeof(line), file.get()) == nullptr) return false;
  const char* after_name = std::strrchr(line, ')');
  if (after_name == nullptr) return false;
  int group = 0;
  unsigned long resident = 0;
  // state ppid pgrp, then fields 6 to 23, then rss.
  int found = std::sscanf(after_name + 1,
                          " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %lu",
                          &group, &resident);
  if (found != 2) return false;
  *stat = {group, resident};
  return true;
}

}  // namespace

uint64_t ResidentBytesOfGroup(pid_t group) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), &::closedir);
  if (!directory) return 0;
  static const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  uint64_t sum = 0;
  while (dirent* entry = ::readdir(directory.get())) {
    ProcessStat stat;
    bool process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
    if (process && ReadStat(entry->d_name, &stat) && stat.group == group) sum += stat.resident_pages * page_bytes;
  }
  return sum;
}

}  // namespace feedmill::io
