#include "data/bot_agent.h"

#include <algorithm>
#include <array>

namespace feedmill {
namespace {

// Words are runs of letters and digits, compared in lower case. Keep each list sorted; a new entry comes with
// a line in bot_agent_test.cc.

// A word that ends so is a bot's: googlebot, mj12bot, bytespider, 80legscrawler.
constexpr std::array<std::string_view, 6> kEndings = {"bot", "bots", "crawl", "crawler", "crawlers", "spider"};

// Words that end so and are none: makes of phones, and names.
constexpr std::array<std::string_view, 6> kNotBots = {"abbot", "cubot", "jabot", "sabot", "talbot", "turbot"};

// Bots whose name says it in no other way. By what they are for:
constexpr std::array<std::string_view, 54> kNames = {
    "ahrefssiteaudit",      // search, ranking
    "archiver",             // ia_archiver
    "botify",               //
    "bubing",               //
    "chatgpt",              // ChatGPT-User fetches pages
    "cohere",               //
    "crawling",             //
    "datadogsynthetics",    // monitors
    "dataprovider",         //
    "daum",                 //
    "deepcrawl",            //
    "electricmonk",         //
    "embedly",              // link previews
    "facebookcatalog",      //
    "facebookexternalhit",  //
    "feedburner",           // feeds
    "feedfetcher",          //
    "feedly",               //
    "flipboardproxy",       //
    "googleother",          //
    "grapeshot",            //
    "gtmetrix",             //
    "headlesschrome",       // browsers without a screen
    "heritrix",             //
    "httrack",              //
    "iframely",             //
    "inspectiontool",       // Google-InspectionTool
    "lighthouse",           //
    "mediapartners",        // Mediapartners-Google
    "meltwater",            //
    "newrelicpinger",       //
    "nutch",                //
    "petalsearch",          //
    "phantomjs",            //
    "pingdom",              //
    "playwright",           //
    "prerender",            //
    "ptst",                 // WebPageTest
    "puppeteer",            //
    "qwantify",             //
    "scrapy",               //
    "searchgpt",            //
    "seokicks",             //
    "site24x7",             //
    "skypeuripreview",      //
    "slurp",                // Yahoo! Slurp
    "spiders",              //
    "statuscake",           //
    "trendiction",          //
    "validator",            // W3C_Validator
    "vkshare",              //
    "webinspector",         //
    "yandeximages",         //
    "yisouspider",          //
};

constexpr size_t kWordBytesMax = 24;  // longer words are looked at by their end only

static_assert(std::ranges::is_sorted(kEndings) && std::ranges::is_sorted(kNotBots) && std::ranges::is_sorted(kNames));

constexpr bool IsWordByte(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsBotWord(std::string_view word) {
  std::array<char, kWordBytesMax> bytes;
  if (word.size() > bytes.size()) word.remove_prefix(word.size() - bytes.size());
  std::ranges::transform(word, bytes.begin(), Lower);
  const std::string_view lower(bytes.data(), word.size());
  const auto ends = [&](std::string_view ending) { return lower.ends_with(ending); };
  if (std::ranges::any_of(kEndings, ends)) return !std::ranges::binary_search(kNotBots, lower);
  return std::ranges::binary_search(kNames, lower);
}

}  // namespace

bool IsBotAgent(std::string_view user_agent) {
  for (size_t at = 0; at < user_agent.size();) {
    if (!IsWordByte(user_agent[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < user_agent.size() && IsWordByte(user_agent[end])) ++end;
    if (end - at >= 3 && IsBotWord(user_agent.substr(at, end - at))) return true;
    at = end;
  }
  return false;
}

}  // namespace feedmill
