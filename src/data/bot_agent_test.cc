#include "data/bot_agent.h"

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(BotAgentTest, Bots) {
  for (const char* agent : {
           "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
           "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
           "+http://www.bing.com/bingbot.htm) "
           "Chrome/116.0 Safari/537.36",
           "AdsBot-Google (+http://www.google.com/adsbot.html)",
           "Mediapartners-Google",
           "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
           "GoogleOther",
           "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
           "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
           "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (compatible; "
           "PetalBot;+https://webmaster.petalsearch.com/)",
           "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 Mobile Safari/537.36 (compatible; Bytespider)",
           "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
           "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
           "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
           "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
           "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
           "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
           "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)",
           "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
           "Twitterbot/1.0",
           "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
           "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
           "TelegramBot (like TwitterBot)",
           "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
           "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
           "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
           "CCBot/2.0 (https://commoncrawl.org/faq/)",
           "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
           "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
           "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 "
           "Safari/537.36",
           "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
           "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 Chrome-Lighthouse",
           "Scrapy/2.11 (+https://scrapy.org)",
           "W3C_Validator/1.3 http://validator.w3.org/services",
           "Screaming Frog SEO Spider/19.0",
           "GOOGLEBOT",
           "bot",
       }) {
    EXPECT_TRUE(IsBotAgent(agent)) << agent;
  }
}

TEST(BotAgentTest, PeopleAndServers) {
  for (const char* agent : {
           "",
           "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
           "Mozilla/5.0 (Linux; Android 7.0; CUBOT_X18 Build/NRD90M) AppleWebKit/537.36 Chrome/83.0 Mobile "
           "Safari/537.36",
           "Mozilla/5.0 (Linux; Android 12; Cubot KingKong 7) AppleWebKit/537.36 Chrome/110.0 Mobile Safari/537.36",
           "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Version/17.2 Mobile/15E148 "
           "Safari/604.1",
           "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 "
           "Safari/537.36",
           "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
           "okhttp/4.12.0",
           "curl/8.5.0",
           "python-requests/2.31.0",
           "analytics-node/6.0",
           "Talbot Diary/2.0 (iOS)",
           "MyBottleApp/1.0",
           "Bottomline/3.1 Robotics-Fan",
       }) {
    EXPECT_FALSE(IsBotAgent(agent)) << agent;
  }
}

}  // namespace
}  // namespace feedmill
