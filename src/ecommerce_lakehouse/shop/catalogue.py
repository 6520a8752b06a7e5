"""What the shop sells: 120 products, twenty to a category, each on a price ladder."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ecommerce_lakehouse.shop.calendar import Ints

CATEGORIES = (
    "Electronics",
    "Home & Kitchen",
    "Books",
    "Clothing",
    "Beauty",
    "Sports & Outdoors",
)

#: Products nobody ever buys: every real catalogue has some.
NEVER_SOLD = ("Karaoke Microphone, Left-Handed", "Chocolate Fountain, Commercial")

_NAMES = {
    "Electronics": """
        USB-C Cable 1 m|Screen Cleaning Kit|Phone Stand|AA Batteries, Pack of 12
        Wired Mouse|Travel Plug Adapter|USB Hub, 4 Ports|Wireless Mouse|Power Bank 10000 mAh
        Desk Lamp with Dimmer|Bluetooth Speaker|Karaoke Microphone, Left-Handed
        Mechanical Keyboard|Wi-Fi Router|External SSD 1 TB|Noise-Cancelling Headphones
        24" Monitor|Fitness Watch|27" Monitor, 4K|Tablet 11", 128 GB""",
    "Home & Kitchen": """
        Dish Brush|Silicone Spatula|Measuring Cups, Set of 4|Tea Towels, Linen|Bread Board
        Storage Jars, Set of 3|Cutlery Tray|Pepper Mill|Cast-Iron Pan 8"|Glass Teapot
        Duvet Cover|Chef's Knife|Electric Kettle|Coffee Grinder|Stock Pot, 10 Litres
        Food Processor|Pressure Cooker|Robot Vacuum|Chocolate Fountain, Commercial
        Espresso Machine""",
    "Books": """
        Pocket Crossword, Volume 3|Paperback Thriller|City Map and Guide|The Bread Book
        Poems, 1912-1948|Learning Python|A Short History of Salt|The "Lost" Letters
        Graphic Novel, Hardcover|Bird Guide|Statistics Without Tears|World Atlas
        Cookery, the Complete Course|Photographs of the North|Encyclopedia of Trees
        Children's Classics, Box of 10|Art of the Renaissance|Medical Dictionary, 2 Volumes
        Collected Plays, Leather|First Edition, Signed""",
    "Clothing": """
        Ankle Socks|Cotton T-Shirt|Wool Socks, 3 Pairs|Knitted Hat|Leather Belt
        Running Shorts|Striped Shirt|Linen Shirt|Summer Dress|Denim Jeans
        Merino Sweater|Rain Jacket|Canvas Sneakers|Suede Boots|Wool Blazer
        Down Vest|Evening Dress|Winter Coat|Leather Jacket|Tailored Suit, 2 Pieces""",
    "Beauty": """
        Lip Balm|Hand Cream|Nail File, Glass|Bar Soap, Lavender|Shampoo 500 ml
        Face Mask, Set of 5|Sun Cream SPF 50|Beard Oil|Body Lotion 1 l|Night Cream
        Make-Up Brushes, Set of 8|Vitamin C Serum|Hair Dryer|"Nuit" Eau de Toilette
        Straightener|Perfume 50 ml|Electric Shaver|Skin Care Set, 7 Pieces
        Salon Hair Clipper|LED Light Therapy Mask""",
    "Sports & Outdoors": """
        Water Bottle|Jump Rope|Tennis Balls, Can of 4|Resistance Bands|Yoga Mat
        Head Torch|Swimming Goggles|Football, Size 5|Camping Stove|Dumbbells, 2 x 4 kg
        Trekking Poles|Sleeping Bag|Climbing Harness|Badminton Set, 4 Rackets|Hiking Backpack 45 l
        Inflatable Kayak Paddle|Tent, 2 Persons|Road Bike Wheel 28"|Paddle Board|Rowing Machine""",
}

# A fifth more from rung to rung, $5 to $400, ending as prices in shops end.
_LADDER = (
    *(499, 649, 799, 999, 1299, 1599, 1999, 2499, 2999, 3999),
    *(4999, 6499, 7999, 9999, 12999, 15999, 19999, 24999, 31999, 39999),
)
_LEVEL = (103, 101, 99, 105, 100, 107)

FIRST_PRODUCT_ID = 1001

#: No unit price is above this, so every category has a product that dear.
MAX_UNIT_CENTS = 39_500


@dataclass(frozen=True)
class Product:
    """One product as the shop knows it; prices in cents."""

    product_id: int
    name: str
    category: str
    cost: int
    list_price: int


@lru_cache(maxsize=1)
def products() -> tuple[Product, ...]:
    """The catalogue, category after category, cheapest first."""
    result: list[Product] = []
    for c, category in enumerate(CATEGORIES):
        names = [n.strip() for n in _NAMES[category].replace("\n", "|").split("|")]
        names = [n for n in names if n]
        assert len(names) == len(_LADDER), (category, len(names))
        for name, base in zip(names, _LADDER, strict=True):
            i = len(result)
            price = -(-base * _LEVEL[c] // 5000) * 50 - 1
            cost = price * (40 + i * 17 % 31) // 100
            result.append(Product(FIRST_PRODUCT_ID + i, name, category, cost, price))
    return tuple(result)


@dataclass(frozen=True)
class Ladder:
    """The products people do buy, ready for vectorised look-ups.

    Attributes:
        key: category x 100,000 + list price in cents, rising.
        last: position of each category's dearest product.
        product_id: the product at each position.
        list_price: its list price in cents.
    """

    key: Ints
    last: Ints
    product_id: Ints
    list_price: Ints


@lru_cache(maxsize=1)
def ladder() -> Ladder:
    """The price ladders of all categories in one sorted table."""
    sold = [p for p in products() if p.name not in NEVER_SOLD]
    category = np.array([CATEGORIES.index(p.category) for p in sold], dtype=np.int64)
    price = np.array([p.list_price for p in sold], dtype=np.int64)
    last = np.searchsorted(category, np.arange(len(CATEGORIES)), side="right") - 1
    ids = np.array([p.product_id for p in sold], dtype=np.int64)
    return Ladder(category * 100_000 + price, last.astype(np.int64), ids, price)
