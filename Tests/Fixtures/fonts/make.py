#!/usr/bin/env python3
"""Makes tiny fonts of known shape with fontTools 4.68.0 (pip install fonttools==4.68.0).

    python make.py               # writes the fonts beside this file; the same bytes every time

- boxes.ttf: H, A, j and a face outside the basic plane, made of rectangles and a triangle, 1000 units an em; a blank space.
- boxes.ttc: the same face as "Regular" and one of half its width as "Narrow".
- colours.ttf: two coloured bitmaps of 4 x 3 pixels (tables CBLC and CBDT) for U+1F600 and U+1F601.
"""
import os, struct, zlib
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection
from fontTools.ttLib.tables.DefaultTable import DefaultTable

HERE = os.path.dirname(os.path.abspath(__file__))
DATE = 2082844800 + 86400  # seconds since 1904: the second of January 1970


def polygon(*points):
    pen = TTGlyphPen(None)
    if points:
        pen.moveTo(points[0])
        for point in points[1:]:
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


def box(left, bottom, right, top):
    return polygon((left, bottom), (left, top), (right, top), (right, bottom))


def builder(glyphs, characters, family, style):
    font = FontBuilder(1000, isTTF=True)
    font.font.recalcTimestamp = False
    font.setupGlyphOrder([name for name, _, _ in glyphs])
    font.setupCharacterMap(characters)
    font.setupGlyf({name: shape for name, shape, _ in glyphs})
    font.setupHorizontalMetrics({name: (advance, font.font["glyf"][name].xMin if shape.numberOfContours else 0)
                                 for name, shape, advance in glyphs})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": style})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, sCapHeight=700)
    font.setupPost()
    font.updateHead(created=DATE, modified=DATE)
    return font.font


def boxes(style, width):
    wide = lambda x: int(x * width)
    glyphs = [
        (".notdef", box(0, 0, wide(100), 100), wide(200)),
        ("space", polygon(), wide(300)),
        ("H", box(wide(100), 0, wide(500), 700), wide(600)),
        ("A", polygon((0, 0), (wide(350), 700), (wide(700), 0)), wide(700)),
        ("j", box(wide(-100), -200, wide(100), 500), wide(250)),
        ("grin", box(0, -100, wide(900), 800), wide(1000)),
    ]
    return builder(glyphs, {0x20: "space", 0x48: "H", 0x41: "A", 0x6A: "j", 0x1F600: "grin"}, "Tessera Boxes", style)


def png(pixels, width, height):
    """Red, green, blue, alpha of every pixel, as a PNG file."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(sum(pixels[y * width:(y + 1) * width], ())) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    # Stored, not compressed: the same bytes with every version of zlib.
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows + struct.pack(">I", zlib.adler32(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")


def raw(tag, data):
    table = DefaultTable(tag)
    table.data = data
    return table


def colours():
    blank = polygon()
    font = builder([(".notdef", blank, 1000), ("first", blank, 1000), ("second", blank, 1000)],
                   {0x1F600: "first", 0x1F601: "second"}, "Tessera Colours", "Regular")
    clear, red, half = (0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 128)
    pictures = [[red] * 4 + [clear] * 4 + [half] * 4, [(10 * i, 200, 255 - 10 * i, 255) for i in range(12)]]
    data, offsets = b"", [0]
    for picture in pictures:
        file = png(picture, 4, 3)
        data += struct.pack(">BBbbBI", 3, 4, 1, 2, 6, len(file)) + file
        offsets.append(len(data))
    line = struct.pack(">bbBbbbbbbbbb", 3, -1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    subtable = struct.pack(">HHI", 1, 17, 4) + struct.pack(">3I", *offsets)
    array = struct.pack(">HHI", 1, 2, 8)
    size = struct.pack(">4I", 56, len(array) + len(subtable), 1, 0) + line + line + struct.pack(">HHBBBb", 1, 2, 4, 4, 32, 1)
    font["CBLC"] = raw("CBLC", struct.pack(">HHI", 3, 0, 1) + size + array + subtable)
    font["CBDT"] = raw("CBDT", struct.pack(">HH", 3, 0) + data)
    del font["glyf"], font["loca"]
    return font


if __name__ == "__main__":
    boxes("Regular", 1).save(os.path.join(HERE, "boxes.ttf"))
    collection = TTCollection()
    collection.fonts = [boxes("Regular", 1), boxes("Narrow", 0.5)]
    collection.save(os.path.join(HERE, "boxes.ttc"))
    colours().save(os.path.join(HERE, "colours.ttf"))
