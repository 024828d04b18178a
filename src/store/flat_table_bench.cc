// Reading 1,200 random rows of 256 bytes by key, beside Redis MGET over its unix socket. Pairs in turn (A B B A),
// median of the paired ratios; the floor is the same copy from known addresses. Arguments: [rows]. The last line is one
// JSON object.
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "base/clock.h"
#include "base/cpu_time.h"
#include "base/random.h"
#include "store/flat_table.h"

namespace feedmill::store {
namespace {

constexpr size_t kRowBytes = 256;
constexpr size_t kBatch = 1200;
constexpr int kBatchesPerTurn = 40;
constexpr int kPairs = 15;

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// The row of a key: the key's number over and over, so that both sides can be checked.
std::string RowOf(size_t number) {
  std::string row(kRowBytes, '\0');
  for (size_t i = 0; i + sizeof number <= row.size(); i += sizeof number)
    std::memcpy(row.data() + i, &number, sizeof number);
  return row;
}

// A redis-server of our own, and just enough of its protocol; replies are copied once, without an allocation a value.
class Redis {
 public:
  explicit Redis(const std::string& folder) : socket_path_(folder + "/redis.sock") {
    child_ = fork();
    if (child_ == 0) {
      std::freopen("/dev/null", "w", stdout);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path_.c_str(), "--save", "",
             "--appendonly", "no", "--dir", folder.c_str(), nullptr);
      _exit(127);
    }
    for (int attempt = 0; attempt < 200 && !Connect(); ++attempt) usleep(20'000);
  }
  ~Redis() {
    if (socket_ >= 0) close(socket_);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  bool connected() const { return socket_ >= 0; }

  void Load(size_t rows) {
    std::string commands;
    size_t pending = 0;
    for (size_t row = 0; row < rows; ++row) {
      AppendCommand(&commands, 3);
      for (const std::string& part : {std::string("SET"), "p" + std::to_string(row), RowOf(row)})
        AppendBulk(&commands, part);
      if (++pending < 1000 && row + 1 < rows) continue;
      Send(commands);
      for (; pending > 0; --pending) (void)ReadLine();
      commands.clear();
    }
  }

  void ReadMany(std::span<const std::string_view> keys, std::span<std::byte> out) {
    request_.clear();
    AppendCommand(&request_, keys.size() + 1);
    AppendBulk(&request_, "MGET");
    for (const std::string_view key : keys) AppendBulk(&request_, key);
    Send(request_);
    (void)ReadLine();
    for (size_t i = 0; i < keys.size(); ++i) {
      (void)ReadLine();  // $256
      ReadBytes(out.data() + i * kRowBytes, kRowBytes);
      ReadBytes(nullptr, 2);
    }
  }

 private:
  static void AppendCommand(std::string* out, size_t parts) { *out += "*" + std::to_string(parts) + "\r\n"; }
  static void AppendBulk(std::string* out, std::string_view text) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, text.size()).ptr;
    out->append("$").append(digits, end).append("\r\n").append(text).append("\r\n");
  }
  bool Connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path_.c_str(), sizeof address.sun_path - 1);
    const int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      socket_ = made;
      return true;
    }
    close(made);
    return false;
  }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) std::abort();
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void Fill() {
    const ssize_t got = recv(socket_, buffer_, sizeof buffer_, 0);
    if (got <= 0) std::abort();
    at_ = 0;
    end_ = static_cast<size_t>(got);
  }
  std::string_view ReadLine() {
    line_.clear();
    while (line_.size() < 2 || line_[line_.size() - 1] != '\n') {
      if (at_ == end_) Fill();
      line_.push_back(buffer_[at_++]);
    }
    if (line_[0] == '-') std::abort();
    return line_;
  }
  void ReadBytes(std::byte* out, size_t size) {
    while (size > 0) {
      if (at_ == end_) Fill();
      const size_t piece = std::min(size, end_ - at_);
      if (out != nullptr) {
        std::memcpy(out, buffer_ + at_, piece);
        out += piece;
      }
      at_ += piece;
      size -= piece;
    }
  }

  std::string socket_path_;
  pid_t child_ = -1;
  int socket_ = -1;
  std::string request_;
  std::string line_;
  char buffer_[1 << 20];
  size_t at_ = 0;
  size_t end_ = 0;
};

Status WriteTable(const std::string& path, size_t rows) {
  FEEDMILL_ASSIGN(auto writer,
                  CreateFlatTable(io::PosixFileSystem(), path, {{"values", FieldType::kInt64, kRowBytes / 8}}, rows));
  for (size_t row = 0; row < rows; ++row) {
    const std::string values = RowOf(row);
    FEEDMILL_TRY(writer->Add("p" + std::to_string(row), std::as_bytes(std::span(values))));
  }
  return writer->Finish();
}

// Batches of random keys, another one at each call. The keys of a batch lie side by side, as in a parsed request.
class Batches {
 public:
  explicit Batches(size_t rows) {
    Random random(1);
    std::vector<size_t> ends;
    for (size_t i = 0; i < kBatch * 64; ++i) {
      numbers_.push_back(static_cast<int64_t>(random.Below(rows)));
      text_ += "p" + std::to_string(numbers_.back());
      ends.push_back(text_.size());
    }
    size_t begin = 0;
    for (const size_t end : ends) {
      views_.push_back(std::string_view(text_).substr(begin, end - begin));
      begin = end;
    }
  }
  size_t Next() { return next_++ % 64 * kBatch; }
  std::span<const std::string_view> Keys(size_t at) const { return std::span(views_).subspan(at, kBatch); }
  std::span<const int64_t> Numbers(size_t at) const { return std::span(numbers_).subspan(at, kBatch); }

 private:
  std::string text_;
  std::vector<int64_t> numbers_;
  std::vector<std::string_view> views_;
  size_t next_ = 0;
};

// Microseconds a batch.
double Time(const std::function<void()>& batch) {
  const Micros begin = MonotonicMicros();
  for (int i = 0; i < kBatchesPerTurn; ++i) batch();
  return static_cast<double>(MonotonicMicros() - begin) / kBatchesPerTurn;
}

struct Figures {
  std::vector<double> ours, redis, floor, ratio, control;
};

void Measure(const std::function<void()>& ours, const std::function<void()>& redis, const std::function<void()>& floor,
             Figures* figures) {
  for (int pair = 0; pair < kPairs; ++pair) {
    const double first = Time(ours);
    const double redis_first = Time(redis);
    const double redis_second = Time(redis);
    const double second = Time(ours);
    figures->ours.push_back((first + second) / 2);
    figures->redis.push_back((redis_first + redis_second) / 2);
    figures->ratio.push_back(figures->redis.back() / figures->ours.back());
    figures->control.push_back(first / second);
    figures->floor.push_back(Time(floor));
  }
}

int Run(size_t rows) {
  const std::string folder = std::filesystem::temp_directory_path() / ("flat_table_bench_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  if (auto written = WriteTable(folder + "/rows.flat", rows); !written)
    return std::fprintf(stderr, "%s\n", written.error().ToString().c_str()), 1;
  const Micros opening = MonotonicMicros();
  auto table = OpenFlatTable(io::PosixFileSystem(), folder + "/rows.flat");
  if (!table) return std::fprintf(stderr, "%s\n", table.error().ToString().c_str()), 1;
  const double open_ms = static_cast<double>(MonotonicMicros() - opening) / 1000;
  auto redis = std::make_unique<Redis>(folder);
  if (!redis->connected())
    return std::fprintf(stderr, "redis-server does not start; install it with tools/setup.sh bench\n"), 1;
  redis->Load(rows);

  Batches batches(rows);
  std::vector<std::byte> out(kBatch * kRowBytes);
  std::vector<std::byte> out_redis(kBatch * kRowBytes);
  std::vector<int64_t> numbers(kBatch);
  const auto read = [&](size_t at) {
    (*table)->FindMany(batches.Keys(at), numbers);
    (*table)->Gather(numbers, out);
  };
  for (int check = 0; check < 64; ++check) {
    const size_t at = batches.Next();
    read(at);
    redis->ReadMany(batches.Keys(at), out_redis);
    if (out != out_redis) return std::fprintf(stderr, "the two answers differ\n"), 1;
  }
  Figures figures;
  double cpu = 0;
  Measure([&] { read(batches.Next()); }, [&] { redis->ReadMany(batches.Keys(batches.Next()), out_redis); },
          [&] { (*table)->Gather(batches.Numbers(batches.Next()), out); }, &figures);
  const double cpu_begin = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
  (void)Time([&] { read(batches.Next()); });
  cpu = (CpuMicros(CLOCK_THREAD_CPUTIME_ID) - cpu_begin) / kBatchesPerTurn;
  const auto bytes = static_cast<double>(std::filesystem::file_size(folder + "/rows.flat"));
  redis.reset();
  std::filesystem::remove_all(folder);
  std::printf(
      "{\"rows\":%zu,\"row_bytes\":%zu,\"file_mb\":%.0f,\"open_ms\":%.1f,\"read_1200_us\":%.1f,\"read_1200_cpu_us\":%."
      "1f,\"floor_us\":%.1f,"
      "\"fraction_of_floor\":%.2f,\"redis_mget_us\":%.1f,\"redis_over_ours\":%.1f,\"control_aa\":%.3f,\"pairs\":%d}\n",
      rows, kRowBytes, bytes / 1e6, open_ms, Median(figures.ours), cpu, Median(figures.floor),
      Median(figures.floor) / Median(figures.ours), Median(figures.redis), Median(figures.ratio),
      Median(figures.control), kPairs);
  return 0;
}

}  // namespace
}  // namespace feedmill::store

int main(int argc, char** argv) {
  return feedmill::store::Run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000);
}
