"""The figures: drawn for real, and looked at by their pixels."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from litmore.runs.history import Curve
from litmore.watch.canvas import pixels
from litmore.watch.curves import loss_curves
from litmore.watch.labels import kind, legible
from litmore.watch.parts.difficulty import difficulty
from litmore.watch.parts.embedding_map import embedding_map, plane, spread
from litmore.watch.parts.heat_map import as_count, as_percent, heat_map

LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
MANY = (
    "".join(map(chr, range(0x4E00, 0x4E00 + 90)))  # in no font of a bare machine
    + "".join(map(chr, range(0x410, 0x450)))
    + "".join(map(chr, range(0x5D0, 0x5EA)))
    + "$_ \t^{}\\~%#&'\"1234567\u0301"
)
ALPHABETS = [LATIN, GREEK, MANY, "a"]
NAMES = ["latin", "greek", "many", "one"]


def ink(picture):
    """The share of pixels that are not the white of the page."""
    return float((picture.min(axis=2) < 250).mean())


@pytest.mark.parametrize("characters", ALPHABETS, ids=NAMES)
def test_any_alphabet_is_drawn(characters):
    size = len(characters) + 1
    random = np.random.default_rng(0)
    counts = random.integers(0, 90, (size, size))
    for figure in (
        heat_map(counts, characters, "counts", as_count),
        heat_map(counts / counts.sum(), characters, "shares", as_percent),
        embedding_map(random.normal(size=(size, 2)), characters, "embedding"),
        difficulty(counts[:2] * 2.0, counts[:2] * 1.0, characters, "loss"),
    ):
        picture = pixels(figure)
        height, width, _ = picture.shape
        assert 200 <= width <= 1000
        assert 200 <= height <= 1000
        assert 0.01 < ink(picture) < 0.99


def test_there_are_more_than_200_characters_in_the_test():
    assert len(MANY) >= 200
    assert len(set(MANY)) == len(MANY)


def test_the_darkest_cell_is_the_most_frequent_pair():
    table = np.ones((27, 27), dtype=int)
    table[5, 20] = 1000
    picture = pixels(heat_map(table, LATIN, "", as_count))
    rows, columns = np.nonzero(picture[..., 0].astype(int) + picture[..., 1] < 140)
    left, top, cell = 50, 76, 900 / 27
    inside = (rows > top) & (columns > left)
    assert (int(np.median(rows[inside])) - top) // cell == 5
    assert (int(np.median(columns[inside])) - left) // cell == 20


def test_what_a_cell_says_depends_on_its_value():
    one, other = np.full((27, 27), 7), np.full((27, 27), 7)
    other[3, 3] = 9
    drawn = [pixels(heat_map(table, LATIN, "", as_count)) for table in (one, other)]
    assert (drawn[0] != drawn[1]).any()


def test_a_value_is_written_as_what_the_caller_says_it_is():
    counts = [as_count(n) for n in (0, 1.0, 0.9999999, 6763.0, 9999, 12345, 2.5e7, 10**11)]
    assert counts == ["0", "1", "1", "6763", "9999", "12k", "25M", "100G"]
    assert [as_percent(p) for p in (0, 0.374, 0.9994, 0.9996, 1)] == [
        "0.0", "37.4", "99.9", "100", "100",
    ]  # fmt: skip


def test_labels_say_what_has_no_shape_by_its_number():
    labels, fonts = legible("a \t\u0301$\u05d0")
    assert labels == (".", "a", "␣", "U+0009", "◌\u0301", "$", "\u05d0")
    assert fonts[0] == "DejaVu Sans"
    assert legible("\U000f0000")[0] == (".", "U+F0000")  # for private use: in no font


def test_vowels_and_consonants():
    assert [kind(c) for c in "aÉzñωΘяйщ中'7"] == [
        "vowel", "vowel", "consonant", "consonant", "vowel", "consonant",
        "vowel", "consonant", "consonant", "other", "other", "other",
    ]  # fmt: skip


def test_an_embedding_of_two_dimensions_is_shown_as_it_is():
    embedding = np.random.default_rng(0).normal(size=(27, 2))
    places, share = plane(embedding)
    assert (places == embedding).all()
    assert share == 1
    places, _ = plane(embedding[:, :1])
    assert (places == np.c_[embedding[:, 0], np.zeros(27)]).all()


def test_more_dimensions_show_the_most_of_their_variance():
    random = np.random.default_rng(0)
    flat = random.normal(size=(27, 2)) @ random.normal(size=(2, 10))
    places, share = plane(flat)
    assert share == pytest.approx(1)
    distances = np.linalg.norm(flat[:, None] - flat, axis=-1)
    assert np.linalg.norm(places[:, None] - places, axis=-1) == pytest.approx(distances)


def test_a_picture_is_turned_to_lie_as_the_one_before():
    random = np.random.default_rng(0)
    embedding = random.normal(size=(27, 10))
    before, _ = plane(embedding)
    mirrored = before * (-1, 1)
    places, _ = plane(embedding, like=mirrored)
    assert places == pytest.approx(mirrored)


def test_all_rows_alike_is_a_picture_too():
    places, _ = plane(np.zeros((27, 27)))
    assert 0.01 < ink(pixels(embedding_map(places, LATIN))) < 0.9


@pytest.mark.parametrize("number", [27, 81])
@pytest.mark.parametrize("crowd", [1.0, 0.1, 0.0], ids=["wide", "close", "in one place"])
def test_characters_do_not_lie_on_each_other(number, crowd):
    places = 250 + crowd * np.random.default_rng(0).normal(size=(number, 2)) * 100
    sizes, extent = np.full((number, 2), 20.0), np.array([580.0, 450.0])
    found = spread(places, sizes, extent)
    distance = np.linalg.norm(found[:, None] - found, axis=-1) + 99 * np.eye(number)
    assert distance.min() >= 0.97 * 20
    assert (found >= 10).all()
    assert (found <= extent - 10).all()
    alone = np.linalg.norm(places[:, None] - places, axis=-1) + 99 * np.eye(number)
    assert (np.abs(found - places)[alone.min(1) > 60] < 20).all()


def difficulty_axes(nll, characters=LATIN):
    """The next characters' panel: its labels, the range of its losses."""
    figure = difficulty(nll, np.ones_like(nll), characters)
    axes = figure.axes[0]
    return [label.get_text() for label in axes.get_xticklabels()], axes.get_ylim()


def test_two_runs_difficulties_have_the_same_axes():
    random = np.random.default_rng(0)
    hard, easy = random.random((2, 27)) * 9, random.random((2, 27))
    assert difficulty_axes(hard) == difficulty_axes(easy)
    labels, limits = difficulty_axes(hard)
    assert labels == list("." + LATIN)
    assert limits == (0, pytest.approx(2 * np.log(27)))
    written = [text.get_text() for text in difficulty(hard, np.ones((2, 27)), LATIN).axes[0].texts]
    assert written == [f"{loss:.1f}" for loss in hard[0] if loss > 2 * np.log(27)]


def thumbnail(picture):
    """As TensorBoard shows a picture first."""
    image = Image.fromarray(picture)
    return np.asarray(image.resize((340, image.height * 340 // image.width), Image.Resampling.BOX))


def test_a_heat_map_is_its_colours_when_it_is_small():
    """The mean of a cell is the cell's colour, little changed by what stands in it."""
    table = np.full((27, 27), 10)
    table[:, ::2] = 1000
    cells = thumbnail(pixels(heat_map(table, LATIN, "", as_count)))[30:335, 20:335]
    columns = cells[..., 0].mean(0)
    assert np.ptp(columns) > 150
    assert np.std(cells[..., 0], axis=0).mean() < 30


def test_a_curve_that_runs_off_leaves_the_others_legible():
    steps = np.arange(10)
    wild = Curve("a", "train/loss", steps, np.array([np.inf, *np.linspace(30, 2, 9)]))
    tame = Curve("b", "val/loss", steps, np.linspace(3, 2, 10))
    assert ink(pixels(loss_curves([wild, tame]))) > 0.005


def test_no_state_is_left_in_pyplot():
    import matplotlib.pyplot as plt

    heat_map(np.ones((2, 2)), "a", "", as_percent)
    assert plt.get_fignums() == []


def test_the_base_font_has_the_alphabets_that_it_is_said_to_have():
    for letter in "aéñßαωяЖאش":
        assert legible(letter)[0][1] in (letter, unicodedata.normalize("NFC", letter))
