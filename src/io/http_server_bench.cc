// The server's floor beside nginx `return 204`: wrk with keep-alive connections, pairs in turn (A B B A), median of the
// paired ratios, CPU time of the server beside it, an A/A control. Needs wrk and nginx. Last line: one JSON object.
//   http_server_bench [--pairs 9] [--seconds 2] [--connections 64]
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "io/child_process.h"
#include "io/file_system.h"
#include "io/http_client.h"
#include "io/http_server.h"

namespace feedmill::io {
namespace {

struct Options {
  int pairs = 9;
  int seconds = 2;
  int connections = 64;
};

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Requests a second that wrk gets; 0 when any was answered otherwise than 2xx.
double RunWrk(const std::string& url, const Options& options) {
  double rate = 0;
  bool failed = false;
  ChildOptions child;
  child.arguments = {"/usr/bin/wrk", "-t1", fmt::format("-c{}", options.connections),
                     fmt::format("-d{}s", options.seconds), url};
  child.on_stdout_line = [&](std::string_view line) {
    constexpr std::string_view kRate = "Requests/sec:";
    if (line.starts_with(kRate)) rate = std::strtod(std::string(line.substr(kRate.size())).c_str(), nullptr);
    failed |= line.find("Non-2xx") != std::string_view::npos || line.find("Socket errors") != std::string_view::npos;
  };
  auto outcome = RunChild(child);
  return outcome && outcome->Succeeded() && !failed ? rate : 0;
}

// A server in a process of its own, as nginx's is.
class Peer {
 public:
  explicit Peer(pid_t pid) : pid_(pid) {}
  ~Peer() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  // CPU seconds of the process and its children so far.
  double CpuSeconds() const {
    double sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "stat");
      std::string line;
      if (!std::getline(file, line)) continue;
      int parent = 0;
      unsigned long user = 0, system = 0;
      size_t name_end = line.rfind(')');
      if (name_end == std::string::npos) continue;
      std::sscanf(line.c_str() + name_end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &parent, &user,
                  &system);
      if (parent == pid_ || std::atoi(line.c_str()) == pid_) sum += static_cast<double>(user + system);
    }
    return sum / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

 private:
  pid_t pid_;
};

constexpr uint16_t kOurPort = 18480;
constexpr uint16_t kNginxPort = 18481;

Peer StartOurs() {
  pid_t pid = ::fork();
  if (pid == 0) {
    auto server = StartHttpServer({.port = kOurPort, .threads = 1},
                                  [](HttpRequest&&, HttpResponder&& respond) { respond({.status = 204}); });
    if (!server) ::_exit(1);
    for (;;) ::pause();
  }
  return Peer(pid);
}

Peer StartNginx(const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/nginx.conf") << fmt::format(
      "worker_processes 1; daemon off; master_process on; pid {0}/pid; error_log {0}/error.log;\n"
      "events {{ worker_connections 1024; }}\n"
      "http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s;\n"
      "  client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; "
      "scgi_temp_path {0}/e;\n"
      "  server {{ listen 127.0.0.1:{1}; location / {{ return 204; }} }} }}\n",
      folder, kNginxPort);
  pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/usr/sbin/nginx", "nginx", "-c", (folder + "/nginx.conf").c_str(), "-p", folder.c_str(), nullptr);
    ::_exit(127);
  }
  return Peer(pid);
}

bool WaitUntilUp(const std::string& url) {
  for (int i = 0; i < 200; ++i) {
    auto client = MakeHttpClient(url).value();
    auto reply = client->Send("GET", "/", {}, "", Deadline::After(kMicrosPerSecond));
    if (reply && reply->status == 204) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

struct Sample {
  double rate = 0;
  double cpu_us_per_request = 0;
};

Sample Measure(const Peer& peer, const std::string& url, const Options& options) {
  double before = peer.CpuSeconds();
  double rate = RunWrk(url, options);
  double cpu = peer.CpuSeconds() - before;
  return {rate, cpu / (rate * options.seconds) * 1e6};
}

int Main(const Options& options) {
  std::string folder = std::filesystem::temp_directory_path() / fmt::format("feedmill_nginx_{}", ::getpid());
  Peer ours = StartOurs();
  Peer nginx = StartNginx(folder);
  std::string our_url = fmt::format("http://127.0.0.1:{}", kOurPort),
              nginx_url = fmt::format("http://127.0.0.1:{}", kNginxPort);
  if (!WaitUntilUp(our_url) || !WaitUntilUp(nginx_url)) {
    fmt::print(stderr, "http_server_bench: a server did not come up; are nginx and wrk installed?\n");
    return 1;
  }
  std::vector<double> ratios, control, our_rates, nginx_rates, our_cpu, nginx_cpu;
  for (int pair = 0; pair < options.pairs; ++pair) {
    // A B B A: what drifts falls on both.
    Sample a1 = Measure(ours, our_url, options), b1 = Measure(nginx, nginx_url, options);
    Sample b2 = Measure(nginx, nginx_url, options), a2 = Measure(ours, our_url, options);
    if (a1.rate * a2.rate * b1.rate * b2.rate == 0) {
      fmt::print(stderr, "http_server_bench: a request was answered wrongly; no ratio\n");
      return 1;
    }
    ratios.push_back((a1.rate + a2.rate) / (b1.rate + b2.rate));
    control.push_back(b2.rate / b1.rate);
    for (const Sample& sample : {a1, a2})
      our_rates.push_back(sample.rate), our_cpu.push_back(sample.cpu_us_per_request);
    for (const Sample& sample : {b1, b2})
      nginx_rates.push_back(sample.rate), nginx_cpu.push_back(sample.cpu_us_per_request);
    fmt::print("pair {}: ours {:.0f}/s  nginx {:.0f}/s  ratio {:.3f}\n", pair + 1, (a1.rate + a2.rate) / 2,
               (b1.rate + b2.rate) / 2, ratios.back());
    std::fflush(stdout);
  }
  fmt::print(
      "{{\"bench\":\"http_server\",\"peer\":\"nginx return "
      "204\",\"connections\":{},\"pairs\":{},\"ratio\":{:.3f},\"control_a_a\":{:.3f},"
      "\"requests_per_s\":{:.0f},\"peer_requests_per_s\":{:.0f},\"cpu_us_per_request\":{:.2f},\"peer_cpu_us_per_"
      "request\":{:.2f}}}\n",
      options.connections, options.pairs, Median(ratios), Median(control), Median(our_rates), Median(nginx_rates),
      Median(our_cpu), Median(nginx_cpu));
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace feedmill::io

int main(int count, char** arguments) {
  feedmill::io::Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string name = arguments[i];
    int value = std::atoi(arguments[i + 1]);
    if (name == "--pairs") options.pairs = value;
    if (name == "--seconds") options.seconds = value;
    if (name == "--connections") options.connections = value;
  }
  return feedmill::io::Main(options);
}
