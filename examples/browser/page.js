// ?url=http://127.0.0.1:8080&key=WRITE_KEY&user=ada. A write key may stand in a page: it only lets events in.
const asked = new URLSearchParams(location.search);
const url = asked.get("url") ?? "http://127.0.0.1:8080";
const output = document.querySelector("output");

const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: asked.get("key") ?? "", cdnURL: url });
analytics.identify(asked.get("user") ?? "ada", { topics: ["music"] });
analytics.page("Home");
for (const button of document.querySelectorAll("[data-post]")) {
  button.addEventListener("click", async () => {
    const context = await analytics.track("post_click", { post_id: button.dataset.post });
    output.value = `handed over: ${context.event.messageId}`;
  });
}
