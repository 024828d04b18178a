#!/usr/bin/env python3
"""examples/shop lives: CSV files come in, a night makes tables, models and lists, and feeds are of what each customer likes. Only files say what a shop is."""

import collections
import csv
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, ROOT, Checks, Platform  # noqa: E402

SHOP = ROOT / "examples/shop"


class ShopPlatform(Platform):
    def __init__(self, folder: pathlib.Path):
        self.project, self.settings, self.port, self.process, self.connection = folder, (), 0, None, None
        subprocess.run([FEEDMILL, "init", folder, "--template", "shop"], check=True, stdout=subprocess.DEVNULL)


class Shop:
    def __init__(self, checks: Checks, folder: pathlib.Path):
        self.checks = checks
        subprocess.run([sys.executable, SHOP / "make_csv.py", folder / "data", "--customers", "260", "--days", "5"], check=True)
        self.data = folder / "data"
        self.visits = list(csv.DictReader(open(self.data / "visits.csv")))
        self.products = {row["product"]: row for row in csv.DictReader(open(self.data / "products.csv"))}
        self.shop = ShopPlatform(folder / "shop")
        self.told_at = ""

    def comes_in(self) -> None:
        checks = self.checks
        checked = self.shop.try_verb("config check")
        checks.equal("config check", (checked.returncode, checked.stderr), (0, ""))
        self.shop.start()
        for name, rows in (("products", len(self.products)), ("visits", len(self.visits))):
            said = self.shop.verb("import", self.data / f"{name}.csv", "--mapping", self.shop.project / f"{name}.toml", "--url", f"http://127.0.0.1:{self.shop.port}")
            checks.equal(f"import: every row of {name}.csv is an event", (said["accepted"], said["rejected"]), (rows, 0))
        status, answer = self.shop.call("POST", "/v1/track", {"event": "like", "userId": "c00001", "properties": {}}, "write")
        checks.check("an event of another app is refused", status in (200, 400) and "like" in str(answer), (status, answer))

    def is_made(self) -> None:
        checks = self.checks
        run = self.shop.verb("run", "--url", f"http://127.0.0.1:{self.shop.port}", "--force-promote")
        checks.check("run: the models know something", (run.get("auc") or 0) > 0.65, run)
        actions = collections.Counter(row["action"] for row in self.visits)
        found = self.shop.query("SELECT COUNT(*) AS shown, SUM(viewed) AS viewed, SUM(carted) AS carted, SUM(bought) AS bought FROM dwd_impression")[0]
        wanted = {"shown": actions["product_shown"], "viewed": actions["product_viewed"], "carted": actions["added_to_cart"], "bought": actions["order_placed"]}
        checks.equal("labels: each outcome belongs to its impression", {name: int(value) for name, value in found.items()}, wanted)
        samples = self.shop.query("SELECT COUNT(*) AS rows, COUNT(f_product_price) AS priced, MIN(f_product_price) AS lowest FROM ads_sample_ctr")[0]
        checks.check("samples: every impression with its product's price", samples["rows"] == samples["priced"] == actions["product_shown"] and samples["lowest"] > 1, samples)
        paid = sum(float(row["paid"]) for row in self.visits if row["paid"])
        spent = self.shop.query("SELECT SUM(paid) AS paid FROM dwd_user_action")[0]["paid"]
        checks.check("what was paid", abs(spent - paid) < 0.01 * len(self.visits), (spent, paid))
        same = self.shop.query("SELECT AVG(CASE WHEN a.department = b.department THEN 1.0 ELSE 0.0 END) AS same FROM ads_recall_i2i i "
                               "JOIN dwd_product a ON a.product_key = i.product_key JOIN dwd_product b ON b.product_key = i.similar_product_key WHERE i.place <= 5")[0]["same"]
        checks.check("similar products are of one department more often than chance", same > 0.25, same)
        models = [path.read_text() for path in (self.shop.project / "data/bundles").rglob("*.model")]
        checks.check("models: trees split on departments", any("cat_threshold=" in text for text in models), len(models))

    def tells(self, events: list[dict]) -> None:
        self.told_at = self.shop.batch(events)

    def page(self, customer: str, **members) -> dict:
        """A feed that knows what was told before."""
        return self.shop.feed(customer, **({"after": self.told_at} if self.told_at else {}), **members)

    def is_served(self) -> None:
        checks = self.checks
        self.shop.restart()
        liked = collections.defaultdict(collections.Counter)
        for row in self.visits:
            if row["action"] != "product_shown":
                liked[row["customer"]][self.products[row["product"]]["department"]] += 1
        known = [customer for customer, counts in sorted(liked.items()) if sum(counts.values()) >= 8][:60]
        checks.check("there are customers who are known", len(known) >= 30, len(known))
        hits = total = 0
        for customer in known:
            answer = self.page(customer, scene="home")
            favourite = {department for department, _ in liked[customer].most_common(2)}
            hits += sum(self.products[item["id"]]["department"] in favourite for item in answer["items"])
            total += len(answer["items"])
        checks.check("home: full pages", total >= 10 * len(known), total)
        checks.check("home: of the departments that they like", hits / max(total, 1) > 0.5, (hits, total))
        page = self.page("a-stranger", scene="popular", context={"topics": ["music"]})["items"]
        checks.equal("popular: a page of one department", {self.products[item["id"]]["department"] for item in page}, {"music"})
        first = self.page(known[0], scene="home")["items"][0]["id"]
        self.tells([{"type": "track", "event": "product_dismissed", "userId": known[0], "properties": {"product_id": first}}])
        checks.check("a dismissed product is gone from the next page", all(item["id"] != first for item in self.page(known[0], scene="home")["items"]), first)
        shown = self.page(known[1], scene="home")["items"][0]["id"]
        withdraw = {"type": "track", "event": "product_withdrawn", "properties": {"product_id": shown}}
        self.tells([{**withdraw, "userId": "somebody-else"}])
        checks.check("nobody but the seller withdraws a product", any(item["id"] == shown for item in self.page(known[1], scene="home")["items"]))
        self.tells([{**withdraw, "userId": self.products[shown]["seller"]}])
        pages = [item["id"] for customer in known[:20] for scene in ("home", "popular") for item in self.page(customer, scene=scene)["items"]]
        checks.check("a withdrawn product is on nobody's page", pages and shown not in pages)
        self.tells([{"type": "track", "event": "product_listed", "userId": "seller-1", "properties": {"product_id": "brand-new", "department": "music", "name": "A new one", "price": 5}}])
        self.tells([{"type": "identify", "userId": "newcomer", "traits": {"departments": ["music"]}}])
        told = self.page("newcomer", scene="home")["items"]
        music = sum(self.products.get(item["id"], {"department": "music"})["department"] == "music" for item in told)
        checks.check("a newcomer who told a department sees it", music >= 5, told)
        newest = self.shop.good("GET", f"/v1/latest/product?category=music&n=3&after={self.told_at}", None, "read")["items"]
        checks.equal("latest: the new product is the first of its department", newest[0]["id"], "brand-new")
        alike = self.shop.good("GET", "/v1/similar/product/brand-new?n=10", None, "read")["items"]
        checks.check("similar: to one that nobody has looked at, those of its department", len(alike) == 10 and {item["category"] for item in alike} == {"music"}, alike)
        popular = self.shop.good("GET", f"/v1/popular/product?n=50&user_id={known[0]}", None, "read")["items"]
        checks.check("popular: without what the customer dismissed and what was withdrawn", len(popular) == 50 and not {first, shown} & {item["id"] for item in popular}, popular)
        self.shop.land()
        verified = self.shop.verb("verify-features")
        checks.check("features: served and replayed are equal", verified["requests"] > 60 and verified["different"] == 0, verified)
        state = self.shop.good("GET", "/v1/admin/state", None, "admin")
        checks.equal("console: the shop's buttons", [act["act"] for act in state["acts"]], ["shown", "view", "cart", "purchase", "not_for_me"])

    def loses_a_column(self) -> None:
        """A column that goes from a SELECT while its table has history would go on as null: it is named, and nothing is made."""
        checks, file = self.checks, self.shop.project / "warehouse/dwd/dwd_product.sql"
        sql = file.read_text()
        checks.check("the SELECT gives the price", "  v.price,\n" in sql)
        file.write_text(sql.replace("  v.price,\n", ""))
        wanted = 'warehouse/dwd/dwd_product.sql: the SELECT gives no column "price", which domain.toml item.product.numbers reads'
        for verb in ("config check", "plan", "run"):
            said = self.shop.try_verb(verb, *(["--url", f"http://127.0.0.1:{self.shop.port}"] if verb == "run" else []))
            checks.check(f"{verb}: names the column that is lost", said.returncode != 0 and wanted in said.stdout + said.stderr, said)
        file.write_text(sql.replace("  v.price,\n", "  CAST(v.price AS REAL) AS price,\n"))
        for verb in ("config check", "plan"):
            said = self.shop.try_verb(verb)
            checks.check(f"{verb}: names a column of another type than the table's", said.returncode != 0 and "column 'price' is float in the SELECT and double in table" in said.stdout + said.stderr, said)
        file.write_text(sql)
        checks.equal("config check: well again", self.shop.try_verb("config check").returncode, 0)

    def forgets(self) -> None:
        """What the live bundle was made with goes from the domain: the next night makes one without it."""
        checks, project = self.checks, self.shop.project
        self.shop.stop()
        domain = (project / "domain.toml").read_text()
        for line in ('category = "department"\n', 'numbers = ["price"]\n', 'categories = "departments"      # trait of identify: what a new customer is interested in\n'):
            checks.check(f"the domain says {line.strip()}", line in domain)
            domain = domain.replace(line, "")
        (project / "domain.toml").write_text(domain.split("[action.not_for_me]")[0])
        kept = [table for path in (project / "features").glob("*.toml") for table in path.read_text().split("[[feature]]")[1:] if not any(word in table for word in ("user_department", "log_number", "category"))]
        for path in (project / "features").glob("*.toml"):
            path.unlink()
        (project / "features/left.toml").write_text("".join("[[feature]]" + table for table in kept))
        self.shop.start()
        run = self.shop.verb("run", "--url", f"http://127.0.0.1:{self.shop.port}", "--force-promote")
        checks.check("a night without category, number and action", (run.get("auc") or 0) > 0.5, run)
        self.shop.restart()
        page = self.shop.feed("c00001", scene="home")
        checks.check("and a full page", len(page["items"]) == 10 and not page["degraded"], page["degraded"])


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill_shop_") as folder:
        shop = Shop(checks, pathlib.Path(folder))
        try:
            for part in (shop.comes_in, shop.is_made, shop.is_served, shop.loses_a_column, shop.forgets):
                checks.part(part)
        finally:
            shop.shop.stop()
    checks.finish()


if __name__ == "__main__":
    main()
