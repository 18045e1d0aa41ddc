"""`hub check` and `hub redact` at the command line: what they say, what they write, how they end."""

from __future__ import annotations

import json
from pathlib import Path

from tests.golden_cases import GOLDEN
from tests.journeys.driving import Inside, is_one_sentence

GOOD = GOLDEN / "northmoor" / "HPV negative, routine recall.hl7"
BAD = GOLDEN / "northmoor" / "refused, a slide number of seven digits.hl7"
PARKED = GOLDEN / "eastvale" / "a specimen code that our table lacks.hl7"
DAY = ("--on", "2026-07-20")


def test_a_message_of_a_feed_is_checked_as_of_that_feed(inside: Inside) -> None:
    assert inside("check", GOOD, "--feed", "northmoor", *DAY).code == 0
    other = inside("check", GOOD, "--feed", "southwick", *DAY)
    assert other.code == 1 and "unknown-sender" in other.said
    nobody = inside("check", GOOD, "--feed", "nobody", *DAY)
    assert is_one_sentence(nobody) and "northmoor" in nobody.complained


def test_what_is_wrong_is_said_with_place_shape_and_how_to_mend_it(inside: Inside) -> None:
    text, data = inside("check", BAD, *DAY), inside("check", BAD, *DAY, "--json")
    assert text.code == data.code == 1
    for words in ("OBR[1]-3.1: invalid-slide-number", "There stands: 9999999", "must match [0-9]{8}"):
        assert words in text.said
    told = json.loads(data.out)
    assert told["right"] is False and told["results"][0]["shape"] == "9999999"
    assert "Sampleton" not in text.said + data.said and "19710202" not in text.said + data.said


def test_what_our_table_lacks_is_wrong_too(inside: Inside) -> None:
    done = inside("check", PARKED, *DAY)
    assert done.code == 1 and "answer   AA" in done.said and "our-table" in done.said


def test_a_redacted_message_comes_out_the_same(inside: Inside, tmp_path: Path) -> None:
    for file in (GOOD, BAD):
        out = tmp_path / "shareable" / file.name
        done = inside("redact", file, "--out", out, *DAY, "--json")
        assert done.code == 0 and json.loads(done.out) == {"written": str(out), "bytes": len(file.read_bytes())}
        assert b"Sampleton" not in out.read_bytes()
        before, after = (json.loads(inside("check", one, *DAY, "--json").out) for one in (file, out))
        assert before == after
    assert inside("redact", GOOD, *DAY).out != inside("redact", GOOD, *DAY).out, "other people each time"


def test_what_cannot_be_redacted_is_not_written(inside: Inside, tmp_path: Path) -> None:
    """A person named like the laboratory: swapped, another would have sent it; left, she would stand there."""
    raw = GOOD.read_bytes().replace(b"Sampleton", b"Northmoor")
    (tmp_path / "named.hl7").write_bytes(raw)
    done = inside("redact", tmp_path / "named.hl7", "--out", tmp_path / "out.hl7", *DAY)
    assert done.code == 1 and done.complained.startswith("hub redact: Nothing is written.")
    assert not (tmp_path / "out.hl7").exists()
    assert is_one_sentence(inside("redact", GOOD, "--json", *DAY))
    assert is_one_sentence(inside("redact", tmp_path / "absent.hl7"))


def test_a_file_is_not_decoded_as_that_of_a_feed_that_there_is_not(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("slide,result\n")
    done = inside("decode", tmp_path / "rows.csv", "--feed", "nowhere")
    assert is_one_sentence(done), done
    assert "There is no feed 'nowhere'" in done.complained
    assert "--feed" in inside("decode", tmp_path / "rows.csv").said
