#!/usr/bin/env python3
"""A small shop's past as two CSV files: make_csv.py FOLDER [--customers 300] [--days 6] [--seed 1].

products.csv has who offered what for how much, visits.csv what customers were shown and did, up to the last midnight (UTC). A customer likes two
departments and has a budget; what sells shows it.
"""

import argparse
import csv
import datetime
import pathlib
import random

DEPARTMENTS = ["books", "garden", "kitchen", "music", "shoes", "sports", "tools", "toys"]
SHOWN = 12


class Shop:
    def __init__(self, arguments: argparse.Namespace):
        self.random = random.Random(arguments.seed)
        self.end = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = self.end - datetime.timedelta(days=arguments.days)
        self.days = arguments.days
        self.products = [self.product(number) for number in range(50 * len(DEPARTMENTS))]
        self.customers = {f"c{number:05}": (self.random.sample(DEPARTMENTS, 2), self.random.choice([15, 40, 120])) for number in range(arguments.customers)}

    def product(self, number: int) -> dict:
        department = DEPARTMENTS[number % len(DEPARTMENTS)]
        listed = self.begin - datetime.timedelta(hours=self.random.uniform(1, 240)) if number % 10 else self.begin + datetime.timedelta(hours=self.random.uniform(0, 24 * self.days))
        return {"product": f"p{number:05}", "seller": f"seller-{number % 40}", "department": department, "name": f"{department} {number}",
                "price": round(self.random.choice([8, 25, 80]) * self.random.uniform(0.8, 1.3), 2), "listed": listed, "charm": self.random.gauss(0, 0.6)}

    def visits(self) -> list[dict]:
        rows: list[dict] = []
        for customer, (liked, budget) in self.customers.items():
            for day in range(self.days):
                for _ in range(self.random.choice([0, 1, 1, 2])):
                    rows += self.visit(customer, liked, budget, self.begin + datetime.timedelta(days=day, hours=self.random.uniform(6, 23)))
        rows = [row for row in rows if row["time"] < self.end]
        rows.sort(key=lambda row: row["time"])
        return [{"id": number, **row, "time": row["time"].isoformat()} for number, row in enumerate(rows)]

    def visit(self, customer: str, liked: list[str], budget: float, time: datetime.datetime) -> list[dict]:
        offered = [product for product in self.products if product["listed"] < time]
        request = f"{customer}-{time.timestamp():.0f}"
        rows = []
        for position, product in enumerate(self.random.sample(offered, SHOWN)):
            row = {"customer": customer, "product": product["product"], "request": request, "position": position, "paid": ""}
            rows.append({**row, "time": time, "action": "product_shown"})
            later = time + datetime.timedelta(seconds=20 + 15 * position)
            interest = (0.35 if product["department"] in liked else 0.04) * 2 ** product["charm"] * (1 if product["price"] <= budget else 0.4)
            if self.random.random() >= interest:
                continue
            rows.append({**row, "time": later, "action": "product_viewed"})
            if self.random.random() < 0.35:
                rows.append({**row, "time": later + datetime.timedelta(seconds=30), "action": "added_to_cart"})
                if self.random.random() < 0.6:
                    rows.append({**row, "time": later + datetime.timedelta(seconds=90), "action": "order_placed", "paid": product["price"]})
        return rows


def write(path: pathlib.Path, columns: list[str], rows: list[dict]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--days", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(arguments)
    products = [{**product, "listed": product["listed"].isoformat()} for product in shop.products]
    write(arguments.folder / "products.csv", ["product", "seller", "department", "name", "price", "listed"], products)
    visits = shop.visits()
    write(arguments.folder / "visits.csv", ["id", "time", "customer", "action", "product", "request", "position", "paid"], visits)
    print(f"{len(products)} products and {len(visits)} rows of visits in {arguments.folder}")


if __name__ == "__main__":
    main()
