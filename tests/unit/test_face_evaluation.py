"""Spoilt crops, small faces, groups, pictures of figures: from data sets to files."""

import csv
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from edge_affect.cli import main
from edge_affect.errors import CannotWriteError, DatasetError, InputMissingError
from edge_affect.evaluation.face_degradation import DEGRADATIONS
from edge_affect.evaluation.face_groups import evaluate_groups, group_figures
from edge_affect.evaluation.face_robustness import evaluate_robustness
from edge_affect.evaluation.ferplus import load_faces, majority_faces, split_train
from edge_affect.evaluation.montage import N_EACH, pick, save_montage
from edge_affect.evaluation.plots import draw_report, read_report
from edge_affect.evaluation.portrait_distance import evaluate_distance, in_frame
from edge_affect.evaluation.portrait_results import NOT_READ, Results
from edge_affect.perception.face import FaceModels
from edge_affect.record import EXPRESSIONS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def faces_file(tmp_path):
    """Sixteen drawn crops: half train, half valid, two of each expression."""
    rng = np.random.default_rng(5)
    votes = np.zeros((16, 10), dtype=np.uint8)
    votes[np.arange(16), np.arange(16) % 8] = 10
    rows, columns = np.mgrid[0:48, 0:48]
    images = [
        128 + 80 * np.sin(rows / (2 + n % 3)) * np.cos(columns / 3) + rng.normal(0, 6, (48, 48))
        for n in range(16)
    ]
    path = tmp_path / "faces.npz"
    np.savez(
        path,
        images=np.clip(images, 0, 255).astype(np.uint8),
        votes=votes,
        split=np.array(["train"] * 8 + ["valid"] * 8),
    )
    return path


@pytest.fixture(scope="module")
def models():
    try:
        return FaceModels.load()
    except InputMissingError as error:
        pytest.skip(str(error))


def words_of(path):
    return [text.text for text in ET.parse(path).iter(f"{SVG}text")]  # noqa: S314 - drawn by us


def test_every_degradation_has_a_level_that_changes_nothing():
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (48, 48), dtype=np.uint8)
    assert len({degradation.name for degradation in DEGRADATIONS}) == 10
    for degradation in DEGRADATIONS:
        assert list(degradation.levels) == sorted(degradation.levels)
        same = degradation.apply(crop, degradation.unchanged, np.random.default_rng(1))
        assert np.array_equal(same, crop), degradation.name
        worst = max(degradation.levels, key=lambda level: abs(level - degradation.unchanged))
        changed = degradation.apply(crop, worst, np.random.default_rng(1))
        assert (changed.shape, changed.dtype) == (crop.shape, np.uint8)
        assert np.abs(changed.astype(int) - crop).mean() > 5, degradation.name


def test_robustness_gives_a_point_for_each_level(faces_file):
    few = tuple(d for d in DEGRADATIONS if d.name in {"blur", "size"})
    report = evaluate_robustness(faces_file, "valid", degradations=few)
    assert (report["n"], report["split"]) == (8, "valid")
    assert [curve["name"] for curve in report["curves"]] == ["blur", "size"]
    for curve, degradation in zip(report["curves"], few, strict=True):
        assert [point["level"] for point in curve["points"]] == list(degradation.levels)
        assert curve["holds"][0] <= degradation.unchanged <= curve["holds"][1]
    start, end = report["curves"]
    assert start["points"][0]["accuracy"] == end["points"][-1]["accuracy"]
    assert start["points"][0]["median_quality"] > start["points"][-1]["median_quality"]
    assert end["points"][0]["median_quality"] == 0.0
    assert sum(row["n"] for row in report["by_quality"]) == 8 * (
        len(few[0].levels) + len(few[1].levels)
    )
    assert json.loads(json.dumps(report)) == report


def test_the_development_part_is_a_part_of_train(faces_file, tmp_path):
    fit, dev = split_train(load_faces(faces_file))
    assert len(fit) + len(dev) == 8
    groups = np.repeat(np.arange(200), 3)
    n = groups.size
    path = tmp_path / "many.npz"
    np.savez(
        path,
        images=np.zeros((n, 48, 48), np.uint8),
        votes=np.tile(np.eye(10, dtype=np.uint8)[0] * 10, (n, 1)),
        split=np.full(n, "train"),
        duplicate_group=groups,
    )
    fit, dev = split_train(load_faces(path))
    assert set(fit.duplicate_group).isdisjoint(dev.duplicate_group)
    assert 30 < len(dev) < 100
    assert len(majority_faces(path, "dev")) == len(dev)


def results_of(guesses: list[int]) -> Results:
    results = Results.blank(len(guesses), 48)
    results.guess[:] = guesses
    results.is_found[:] = results.guess != NOT_READ
    results.probabilities[results.is_found] = np.eye(8)[results.guess[results.is_found]]
    return results


def test_group_figures_add_up():
    women = [0] * 30 + [1] * 65 + [NOT_READ] * 5
    men = [0] * 80 + [1] * 20
    gender = np.array(["Female"] * 100 + ["Male"] * 100)
    report = group_figures(results_of(women + men), {"gender": gender})
    female = report["groups"]["gender"]["Female"]
    assert (female["n"], female["detection_recall"], female["read_share"]) == (100, 0.95, 0.95)
    assert female["predicted_share"]["neutral"] == pytest.approx(30 / 95, abs=1e-4)
    low, high = female["predicted_share_interval"]["neutral"]
    assert low < 30 / 95 < high
    gap = report["gaps"]["gender"]["neutral"]
    assert (gap["highest"], gap["lowest"], gap["n"]) == ("Male", "Female", [100, 95])
    assert gap["gap"] == pytest.approx(0.8 - 30 / 95, abs=1e-4)
    worst = report["worst_gap"]
    assert (worst["column"], worst["metric"]) == ("gender", "neutral")
    assert worst["interval"][0] > 0
    assert sum(report["predicted_share"].values()) == pytest.approx(1.0, abs=1e-3)


def test_groups_of_which_nobody_is_read():
    report = group_figures(results_of([NOT_READ] * 4), {"side": np.array(["a", "a", "b", "b"])})
    assert report["detection_recall"] == 0.0
    assert report["predicted_share"]["neutral"] is None
    assert sorted(report["gaps"]["side"]) == ["detection_recall", "read_share"]


def test_a_list_without_groups_is_refused(tmp_path):
    listing = tmp_path / "l.csv"
    listing.write_text("path\na.jpg\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="no column to group by"):
        evaluate_groups(listing, tmp_path)
    with pytest.raises(InputMissingError, match="check --groups"):
        evaluate_groups(tmp_path / "none.csv", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "needs --data, --groups or both"),
        (("--groups", "g.csv", "--robustness"), 64, "need --data"),
        (("--groups", "/no/g.csv"), 66, "/no/g.csv does not exist; check --groups"),
        (("--data", "{faces}", "--plots", "{faces}/x"), 73, "cannot be made"),
        (("--data", "{faces}", "--montage", "/no/folder/m.png"), 73, "/no/folder/m.png"),
        (("--data", "{faces}", "--model", "/no/m.toml"), 66, "/no/m.toml"),
        (("--data", "{faces}", "--split", "test"), 65, "has no split 'test'"),
    ],
)
def test_mistakes_end_in_one_sentence(faces_file, capsys, arguments, code, words):
    filled = [argument.format(faces=faces_file) for argument in arguments]
    assert main(["evaluate", "face", *filled, "--json"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err


def test_pictures_are_drawn_from_what_was_measured(faces_file, tmp_path, capsys):
    folder, montage = tmp_path / "new" / "plots", tmp_path / "m.png"
    arguments = ["--data", str(faces_file), "--plots", str(folder), "--montage", str(montage)]
    assert main(["evaluate", "face", *arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "face_expression_confusion.svg",
        "face_expression_coverage.svg",
        "face_expression_reliability.svg",
    ]
    assert set(words_of(folder / names[0])) >= {
        *EXPRESSIONS,
        "recall",
        "Confusion matrix: face_expression, valid, n = 8",
    }
    with Image.open(montage) as sheet:
        assert sheet.width > 500
    saved = tmp_path / "report.json"
    saved.write_text(json.dumps(report), encoding="utf-8")
    assert main(["evaluate", "plots", str(saved), "--out", str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out.count(".svg\n") == 3
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def point(level: float, **values: float) -> dict[str, object]:
    shares = {"accuracy": 0.8, "detection_recall": 0.9, "agreement": 0.7, **values}
    intervals = {f"{name}_interval": [value - 0.1, value + 0.05] for name, value in shares.items()}
    return {"level": level, "face_width_px": level, **shares, **intervals}


def test_curves_and_groups_are_drawn(tmp_path):
    gender = np.array(["Female"] * 40 + ["Male & <others>"] * 40)
    report = {
        "model": {"name": "face_expression"},
        **group_figures(results_of([0, 1] * 40), {"gender": gender}),
        "robustness": {
            "model": {"name": "face_expression"},
            "split": "dev",
            "n": 80,
            "tolerated_loss": 0.02,
            "curves": [
                {
                    "name": name,
                    "unit": "px",
                    "unchanged": 0.0,
                    "holds": [0.0, 1.0],
                    "points": [
                        point(level, confidence=0.8, neutral_share=0.4, kept_share=1.0)
                        for level in (0.0, 1.0, 2.0)
                    ],
                }
                for name in ("blur", "noise", "shift", "size")
            ],
        },
        "distance": {
            "model": {"name": "face_expression"},
            "n": 80,
            "points": [point(20.0, accuracy_where_read=0.6), point(40.0, accuracy_where_read=0.7)],
        },
    }
    paths = draw_report(report, tmp_path)
    assert [path.name for path in paths] == [
        "face_expression_robustness.svg",
        "face_expression_groups.svg",
        "face_expression_distance.svg",
    ]
    words = [words_of(path) for path in paths]
    assert "noise (holds 0 to 1)" in words[0]
    assert "Male & <others> (40)" in words[1]
    assert "width of the face in px" in words[2]


def test_what_is_no_report(tmp_path):
    with pytest.raises(InputMissingError, match="cannot be read"):
        read_report(tmp_path / "none.json")
    for text in ("no json", "[]", "{}", '{"model": 3}'):
        (tmp_path / "r.json").write_text(text, encoding="utf-8")
        with pytest.raises(DatasetError, match="is no report"):
            read_report(tmp_path / "r.json")


def test_the_montage_shows_right_ones_and_the_surest_wrong_ones(tmp_path):
    truth = np.zeros(30, dtype=np.int64)
    probabilities = np.full((30, 8), 0.02)
    probabilities[:20, 0] = 0.86
    probabilities[20:, 3] = np.linspace(0.5, 0.86, 10)
    probabilities[29] = np.nan
    rows = pick(truth, probabilities)
    assert len(rows) == 8
    assert [len(row) for row in rows] == [2 * N_EACH, *[0] * 7]
    assert all(item < 20 for item in rows[0][:N_EACH])
    assert rows[0][N_EACH:] == [28, 27, 26, 25, 24, 23, 22]
    with pytest.raises(CannotWriteError, match="cannot be written"):
        save_montage(
            tmp_path / "m.nonsense", truth, probabilities, np.zeros((30, 48, 48), np.uint8)
        )


def test_a_small_picture_lies_in_the_middle_of_a_frame():
    small = np.full((30, 20, 3), 200, dtype=np.uint8)
    small[10, 5] = 0
    frame, middle = in_frame(small, (5.0, 10.0))
    assert frame.shape == (480, 640, 3)
    assert middle == (320.0, 240.0)
    assert frame[240, 320].tolist() == [0, 0, 0]
    assert abs(int(frame[0, 0, 0]) - 200) <= 1


def test_no_face_anywhere(models, tmp_path):
    Image.fromarray(np.zeros((100, 100, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    listing = tmp_path / "l.csv"
    listing.write_text("path,label\na.png,neutral\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="No face is found in any picture"):
        evaluate_distance(listing, tmp_path)


@pytest.mark.data
def test_groups_of_real_pictures(models, data_dir, tmp_path, capsys):
    with (data_dir / "face" / "fairface.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::240]
    listing = tmp_path / "l.csv"
    lines = ["path,gender,age", *(f"{row['path']},{row['gender']},{row['age']}" for row in rows)]
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["--groups", str(listing), "--root", str(data_dir / "face"), "--json"]
    assert main(["evaluate", "face", *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == len(rows) == 10
    assert report["detection_recall"] >= 0.8
    assert sum(group["n"] for group in report["groups"]["gender"].values()) == 10
    assert set(report["worst_gap"]) >= {"column", "metric", "highest", "lowest", "gap", "interval"}


@pytest.mark.data
def test_small_faces_are_read_less_well(models, data_dir, tmp_path):
    with (data_dir / "face" / "fairface.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::900]
    listing = tmp_path / "l.csv"
    listing.write_text("\n".join(["path", *(row["path"] for row in rows)]) + "\n", encoding="utf-8")
    report = evaluate_distance(listing, data_dir / "face")
    first, last = report["points"][0], report["points"][-1]
    assert (first["face_width_px"], last["face_width_px"]) == (12.0, 120.0)
    assert first["detection_recall"] <= last["detection_recall"] == 1.0
    assert last["agreement"] >= 0.6
    assert last["median_quality"] > 0.9
    assert "accuracy" not in last
