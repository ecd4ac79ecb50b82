"""Strings that are hard for tokenizers, from a seed."""

import random

SCRIPTS = [
    "The quick brown fox jumps over the lazy dog. It's 3.14 o'clock, isn't it?",
    "Zażółć gęślą jaźń; Příliš žluťoučký kůň úpěl ďábelské ódy. Öğüt çıktı.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Їжак, ґанок!",
    "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. ΣΊΣΥΦΟΣ ΌΣΟΣ ᾳ ᾼ ΐ",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה. בְּרֵאשִׁית",
    "نص حكيم له سر قاطع وذو شأن عظيم ۰۱۲۳۴۵۶۷۸۹ لَا إِلٰهَ ﷺ",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले १२३",
    "ক্ষুদ্র ঋণ দিয়ে বাংলা ভাষা যাত্রা। ড় ঢ় য়",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า ๑๒๓ น้ำ",
    "យើងខ្ញុំ ចង់ ភាសា ខ្មែរ ១២៣",
    "ཀྲིཀྲྀ བོད་སྐད་ཡིག ༡༢༣",
    "သီဟိုဠ်မှ ဉာဏ်ကြီးရှင်သည် ၁၂၃",
    "ქართული ენა მხედრული ᲥᲐᲠᲗᲣᲚᲘ",
    "Հայերեն լեզու ԱԲԳ և ﬓ",
    "いろはにほへと ちりぬるを カタカナ ガギグゲゴ ｶﾞｷﾞｸﾞ ﾊﾟﾋﾟ ー゛゜々〆",
    "天地玄黃 宇宙洪荒 日月盈昃 辰宿列張。𠀀𠮷𪚥 ㊀㍿㌔ 豈更車",
    "키스의 고유조건은 입술끼리 만나야 하고 각나닭 ㅋㅋㅎ 각",
    "Tiếng Việt rất đẹp: ươ ướng nghĩa tiê\u0301\u0323ng",
    "ᏣᎳᎩ Ꭰꭰ Ⰰⰰ 𐐀𐐨 𐒰𐓘 𞤀𞤢 ꓐ ꔀ ⴰⵣⵓⵍ ሰላም ᠮᠣᠩᠭᠣᠯ ᚠᚢᚦ ߒߞߏ",
    "ß ẞ ſ K Å İ ı ŉ ǰ ǅ ﬁ ﬂ ﬃ ﬅ Ŀ ŀ ĳ Ǆ ª º № ℡ ™ ½ ⅓ ⅷ Ⅻ ² ₃ ①⑳⓿㉈",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, ∑ᵢ₌₀ⁿ aᵢ ≠ ∞ ⊕ ⟨ψ|φ⟩ 𝔘𝔫𝔦 𝕮𝖔𝖉𝖊 𝟘𝟙𝟚 ＡＢｃ１２３！？",
]
EMOJI = [
    "😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪🇫🇷🇯", "1️⃣", "❤️", "❤", "☺︎", "🧑🏿‍🚀", "🫠", "🫩", "👨🏻‍❤️‍💋‍👨🏿", "©️",
    "🤷‍♀️", "\u200d", "\ufe0f",
    "🏽", "🇺", "#️⃣",
]
MARKS = [chr(c) for c in (*range(0x300, 0x315), 0x323, 0x328, 0x345, 0x591, 0x5B4, 0x64B, 0x670, 0x93C, 0x94D, 0xE31)]
MARKS += ["\u3099", "\u309a", "\uff9e", "\uff9f", "\u20dd", "\u20e3", "\u0e47", "\u1ab0", "\u0f71", "\u0f72", "\u09be"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\r", "\r\r\n", "\n\n", " \n", "\n ", "\x0b", "\x0c", "\x85",
    "\xa0"]
SPACES += ["\u1680", "\u180e", "\u2000", "\u2003", "\u2009", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060"]
SPACES += ["\u3000", "\ufeff", "\x1c", "\x1d", "\x1e", "\x1f", "\u2581", "\u2800", "\u200c", "\u200e", "\u3164", "\xad"]
CONTROLS = ["\x00", "\x01", "\x07", "\x08", "\x1b", "\x7f", "\x80", "\x9f", "\u202a", "\u202e", "\u2066", "\u2069",
    "\ufff9"]
CONTROLS += ["\ufffc", "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\ue000", "\uf8ff", "\U000f0000", "\U0010ffff",
    "\U0001fffe"]
CONTROLS += ["\U000e0001", "\U000e0100", "\u034f", "\u061c", "\u115f", "\u17b4", "\u0600", "\u06dd", "\u070f", "\u08e2"]
TRAPS = ["\u017f", "\u0130", "\u0131", "\ufb01", "\ufb03", "\ufb06", "\u1e9e", "\u03a3", "\u03c2", "\u0345", "\u212a",
    "\u2126"]
TRAPS += ["\u0149", "\u01f0", "\u0390", "\u1f80", "\u1fbc", "\u0587", "\u30ab\uff9e", "\uff76\uff9e",
    "\u1100\u1161\u11a8"]
TRAPS += ["\u1100\u1161", "\uac00\u11a8", "\uac01\u11a8", "\uf900", "\u2160", "\u2188", "\u3007", "\u3021", "\u00b2"]
TRAPS += ["\u0660", "\u0be6", "\u0bf0", "\U0001d7d8", "\U00010107", "\U0001f100", "\u2460", "\u3280", "\u32c0",
    "\u33ff", "\ufdfa"]
TRAPS += ["\u0344", "\u0958", "\u2adc", "\u0f73", "\u0f75", "\u0f81", "\u212b", "\u1e69", "s\u0323\u0307",
    "s\u0307\u0323"]
TRAPS += ["a\u0315\u0300\u05ae\u0062", "\u0cc6\u0cc2\u0cd5", "\U00011131\U00011127", "\U0001d15e", "\u0340", "\u037e",
    "\u1fef"]
CONTRACTIONS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'Re", "'ve", "'VE", "'m", "'M", "'ll", "'LL", "'lL", "'d", "'D",
    "'\u017f"]
CONTRACTIONS += ["\u2019s", "\u2019ll", "''s", "'sT", "'LLx", "' s", "'", "''", "n't", "N'T", "'r", "'l", "'v",
    "'\u212a"]
CODE = [
    "def f(x):\n    return x+1\n", "for(int i=0;i<n;++i){a[i]+=b[i];}", "\t\tif (a && !b) {\r\n\t}\r\n",
    "#include <stdio.h>",
    "SELECT * FROM t WHERE id>=10;", "{\"a\": [1, 2.5e-3, null], \"b\": \"\\u00e9\"}", "<p class='x'>&amp;&#233;</p>",
    "https://example.org/a/b?c=d&e=%20f#g", "user.name+tag@mail.example.com", "C:\\Temp\\x.txt",
    "/usr/lib//x86_64/../lib.so.6",
    "snake_case_name CamelCaseName kebab-case HTTPServer2Go",
    "0x1F 1_000_000 1,234.56 -7e10 12:34:56 2024-01-31 +49 30 123456",
    "1234567890123456789", "$100 €50 ¥7 £3.99 50% a+b=c ~`^|<> @#&*", "...!!!???---___***", "//===//", "\\n\\t\\\\",
    "``` ```",
    "no. of. do n't , can 't . ' m ' re", "=====", "a/b\\c", "x²+y³", "“quoted” ‘single’ «guillemets» „low“ – — …",
]
# Scalars that later editions of Unicode added; older tables do not know them.
RECENT = [0x1C89, 0x1C8A, 0x0CF3, 0x0ECE, 0x10EFD, 0x1E4D0, 0x11F02, 0x1FA75, 0x1FAE8, 0x2FFC, 0x31EF, 0x2EBF0, 0x2EE5D]
RECENT += [0xA7CB, 0xA7CD, 0xA7DC, 0xA7DA, 0x10D40, 0x10D4A, 0x10D70, 0x10EC2, 0x11380, 0x113D0, 0x11BC0, 0x11BF0,
    0x13460]
RECENT += [0x16100, 0x16D40, 0x16D70, 0x18CFF, 0x1CC00, 0x1CCF0, 0x1CCD6, 0x1E5D0, 0x1E5F1, 0x1F8B2, 0x1FAC6, 0x1FADF]
RECENT += [0x1C80, 0x1E900, 0x10C80, 0x104B0, 0x10FB0, 0x11F50, 0xA7C0, 0xA7D0, 0x2C2F, 0x2C5F, 0x1DFA, 0x10EFC,
    0x16EA0]
RECENT += [0x16EBB, 0x10940, 0x11DB0, 0x11B60, 0x323B0, 0x32000, 0x1E6C0, 0x1CEC0, 0x20C1, 0x0C5C, 0x0CDC, 0xA7CE,
    0xA7D2]
# Ranges in which most scalars with odd properties live.
RANGES = [(0, 0x80)] * 3 + [(0x80, 0x250)] * 3 + [(0x250, 0x900)] * 2 + [(0x900, 0x1100), (0x1100, 0x1200),
    (0x1200, 0x2000)]
RANGES += [(0x1E00, 0x2000), (0x2000, 0x2400), (0x2000, 0x3000), (0x3000, 0x3400), (0x3400, 0xA000), (0xA000, 0xAC00)]
RANGES += [(0xAC00, 0xD7B0), (0xD7B0, 0xD800), (0xE000, 0x10000), (0xF900, 0x10000), (0xFB00, 0xFB50),
    (0xFE00, 0x10000)]
RANGES += [(0xFF00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000), (0x12000, 0x17000), (0x17000, 0x1B000)]
RANGES += [(0x1B000, 0x1D000), (0x1D000, 0x1E000), (0x1E000, 0x1F000), (0x1F000, 0x20000), (0x20000, 0x32400)]
RANGES += [(0x2F800, 0x2FA20), (0x32400, 0xE0000), (0xE0000, 0xE0200), (0xF0000, 0x110000)]


class HardStrings:
    """A source of strings; `specials` are contents that mean something to the tokenizer under test."""

    def __init__(self, seed, specials=(), lines=(), words=()):
        self.random = random.Random(seed)
        self.specials = [text for text in specials if text]
        self.lines = lines
        self.words = list(words)
        self.makers = [
            self.slice_of_script, self.slice_of_script, self.word, self.word, self.space, self.space, self.emoji,
            self.marks,
            self.control, self.trap, self.trap, self.contraction, self.code, self.digits, self.scalar, self.scalar,
            self.recent, self.run, self.mixture, self.line, self.line,
        ]
        if self.specials:
            self.makers += [self.special] * 4
        if self.words:
            self.makers += [self.known_word] * 3

    def slice_of_script(self):
        text = self.random.choice(SCRIPTS)
        start = self.random.randrange(len(text))
        return text[start : start + self.random.randint(1, 24)]

    def word(self):
        words = self.random.choice(SCRIPTS).split()
        word = self.random.choice(words)
        style = self.random.random()
        if style < 0.1:
            return word.upper()
        if style < 0.2:
            return word.capitalize()
        return word + self.random.choice(["", " ", " ", ".", ",", "'s", "-", "\n"])

    def known_word(self):
        return "".join(self.random.choice(self.words) for _ in range(self.random.randint(1, 3)))

    def space(self):
        return "".join(self.random.choice(SPACES) for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def emoji(self):
        return "".join(self.random.choice(EMOJI) for _ in range(self.random.choice([1, 1, 2, 4])))

    def marks(self):
        base = self.random.choice(["a", "e", "S", "i", "", " ", "か", "ﾊ", "क", "ა", "1", "-", "각", "\u1100", "ö",
            "\u212b", "\n"])
        return base + "".join(self.random.choice(MARKS) for _ in range(self.random.choice([1, 1, 2, 3, 5, 12])))

    def control(self):
        return self.random.choice(CONTROLS)

    def trap(self):
        return "".join(self.random.choice(TRAPS) for _ in range(self.random.choice([1, 1, 2])))

    def contraction(self):
        return self.random.choice(["I", "we", "You", "x", "DON", "", "é", "9", " "]) + self.random.choice(CONTRACTIONS)

    def code(self):
        text = self.random.choice(CODE)
        if self.random.random() < 0.5:
            return text
        start = self.random.randrange(len(text))
        return text[start : start + self.random.randint(1, 12)]

    def digits(self):
        alphabet = self.random.choice(["0123456789", "٠١٢٣", "०१२", "０１２", "²³¹", "ⅠⅡⅢ", "①②", "½¼", "〇一二三", "0.,-",
            "1a"])
        return "".join(self.random.choice(alphabet) for _ in range(self.random.randint(1, 9)))

    def scalar(self):
        out = ""
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            low, high = self.random.choice(RANGES)
            value = self.random.randrange(low, high)
            out += "\u2581" if 0xD800 <= value < 0xE000 else chr(value)
        return out

    def recent(self):
        return chr(self.random.choice(RECENT) + self.random.choice([0, 0, 1, 2]))

    def run(self):
        unit = self.random.choice(["a", "A", " ", "\n", "1", "-", "é", "あ", "\u0301", "ab", "\r\n", "=", "'", "😀", "\t",
            ".", "\u200d"])
        length = self.random.choice([3, 5, 8, 17, 33]) if self.random.random() < 0.9 else self.random.choice([70, 130,
            300])
        return unit * length

    def mixture(self):
        return "".join(self.random.choice("abcXYZ019 _-'.\n\té中🙂") for _ in range(self.random.randint(2, 16)))

    def line(self):
        if not self.lines:
            return self.slice_of_script()
        line = self.random.choice(self.lines)
        start = self.random.randrange(max(1, len(line)))
        return line[start : start + self.random.randint(3, 60)]

    def special(self):
        text = self.random.choice(self.specials)
        style = self.random.random()
        if style < 0.35:
            return text
        if style < 0.5:
            return self.space() + text + self.space()
        if style < 0.6:
            return text + self.random.choice(self.specials)
        if style < 0.7:
            return text[: self.random.randint(0, len(text))]
        if style < 0.78:
            return text[self.random.randint(0, len(text)) :]
        if style < 0.86:
            return self.random.choice([text.upper(), text.lower(), text.title(), text.swapcase()])
        if style < 0.93:
            return self.random.choice(["a", "_", "é", "1", "-", "\u0301"]) + text + self.random.choice(["", "a", "_",
                "\u0301", "s"])
        middle = self.random.randint(0, len(text))
        return text[:middle] + self.random.choice(SPACES + CONTROLS + MARKS) + text[middle:]

    def text(self):
        """One string: mostly a few dozen scalars, now and then empty or thousands of scalars long."""
        chance = self.random.random()
        if chance < 0.006:
            return ""
        if chance < 0.009:
            return self.long_text()
        count = self.random.choice([1, 1, 2, 3, 4, 5, 6, 8, 12])
        glue = self.random.choice(["", "", "", " "])
        return glue.join(self.random.choice(self.makers)() for _ in range(count))

    def long_text(self):
        style = self.random.randrange(4)
        if style == 0:
            return self.random.choice(["a", "ab", "é", "1", "-", " ", "\n", "中", "aA", "\u0301",
                "😀"]) * self.random.choice([1000, 5000])
        if style == 1:
            return "".join(self.random.choice("abcdefghij") for _ in range(self.random.choice([300, 10000])))
        if style == 2:
            return "".join(self.random.choice("ابتثがぎกขあ中文é") for _ in range(self.random.choice([200, 3000])))
        return "".join(self.random.choice(self.makers)() for _ in range(200))

    def raw_bytes(self):
        """Bytes that are seldom valid UTF-8: cut characters, overlong forms, surrogates, noise."""
        data = bytearray(self.text().encode()[:200])
        for _ in range(self.random.choice([0, 1, 1, 2, 4])):
            place = self.random.randint(0, len(data))
            style = self.random.randrange(4)
            if style == 0:
                data[place:place] = bytes(self.random.randrange(256) for _ in range(self.random.randint(1, 4)))
            elif style == 1:
                del data[place : place + self.random.randint(1, 3)]
            elif style == 2:
                bad = [b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xfe", b"\xe2\x82",
                    b"\xf0\x9f\x98", b"\x80"]
                data[place:place] = self.random.choice(bad)
            else:
                del data[place:]
        return bytes(data)
