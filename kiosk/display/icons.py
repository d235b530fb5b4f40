"""The small signs in the corner of a screen, dot by dot."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kiosk.sale.screens import Icon

COLUMNS: Final = 9
ROWS: Final = 8

_PICTURES: Final = {
    Icon.NETWORK: """
        #.#.....#
        .#......#
        #.#...#.#
        ......#.#
        ....#.#.#
        ....#.#.#
        ..#.#.#.#
        ..#.#.#.#""",
    Icon.PRINTER: """
        .#######.
        .#.....#.
        .#######.
        #########
        #.......#
        #########
        .#.....#.
        .#######.""",
    Icon.PAPER: """
        .#######.
        .#.....#.
        .#.###.#.
        .#.....#.
        .#.###.#.
        .#.....#.
        .##.#.##.
        ..#.#.#..""",
    Icon.CLOCK: """
        ..#####..
        .#..#..#.
        #...#...#
        #...#...#
        #...###.#
        #.......#
        .#.....#.
        ..#####..""",
    Icon.JOURNAL: """
        #######..
        #.#..###.
        #.####.##
        #.......#
        #.#####.#
        #.#...#.#
        #.#...#.#
        #########""",
    Icon.KEYPAD: """
        #########
        #.......#
        #.#.#.#.#
        #.......#
        #.#.#.#.#
        #.......#
        #.#.#.#.#
        #########""",
    Icon.DEBT: """
        ######..#
        #....#..#
        #.##.#..#
        #....#..#
        #.##.#..#
        #....#...
        ##.#.#..#
        #.#.##..#""",
    Icon.MONEY: """
        ..#.....#
        .####...#
        #.#.....#
        .###....#
        ..#.#...#
        ####.....
        ..#.....#
        ........#""",
}
ICONS: Final = MappingProxyType(
    {
        icon: tuple((x, y) for y, row in enumerate(rows.split()) for x, dot in enumerate(row) if dot == "#")
        for icon, rows in _PICTURES.items()
    }
)
"""The lit dots of each, as column and row from its top left corner."""
