"""Evaluation of whole pictures."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from edge_affect.cli import main
from edge_affect.errors import DatasetError, InputMissingError, MediaError
from edge_affect.evaluation.portrait_list import read_portraits
from edge_affect.evaluation.portraits import evaluate_portraits
from edge_affect.perception.face import FaceModels
from edge_affect.record import EXPRESSIONS, Expression


def write_csv(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_list_with_groups(tmp_path):
    listing = write_csv(tmp_path / "l.csv", "path,label,age", "a.jpg,fear,20-29", "b.jpg,anger,3-9")
    first, second = read_portraits(listing, tmp_path / "root")
    assert (first.path, first.label) == (tmp_path / "root" / "a.jpg", Expression.FEAR)
    assert second.groups == {"age": "3-9"}


def test_a_list_without_labels(tmp_path):
    listing = write_csv(tmp_path / "l.csv", "path,race", "a.jpg,x")
    (portrait,) = read_portraits(listing, tmp_path)
    assert (portrait.label, portrait.groups) == (None, {"race": "x"})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["path,label", "a.jpg,joy"], "line 2: label 'joy' is not one of neutral"),
        (["path,label", "a.jpg,"], "line 2: label ''"),
        (["path,label", "a.jpg"], "line 2: the number of columns"),
        (["path,label", "a.jpg,fear", "b.jpg,fear,more"], "line 3: the number of columns"),
        (["file,label", "a.jpg,fear"], "needs a header with 'path'"),
        (["path,label"], "at least one picture"),
    ],
)
def test_a_list_of_another_shape(tmp_path, lines, words):
    with pytest.raises(DatasetError, match=words):
        read_portraits(write_csv(tmp_path / "l.csv", *lines), tmp_path)


def test_a_list_that_is_not_there(tmp_path, capsys):
    with pytest.raises(InputMissingError, match="check --csv"):
        read_portraits(tmp_path / "no.csv", tmp_path)
    arguments = ["--csv", str(tmp_path / "no.csv"), "--root", str(tmp_path), "--json"]
    assert main(["evaluate", "portraits", *arguments]) == 66
    assert capsys.readouterr().err.count("\n") == 1


def test_a_list_that_is_no_text(tmp_path):
    path = tmp_path / "l.csv"
    path.write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(DatasetError, match="not a readable CSV"):
        read_portraits(path, tmp_path)


@pytest.fixture(scope="module")
def models():
    try:
        return FaceModels.load()
    except InputMissingError as error:
        pytest.skip(str(error))


def test_pictures_that_are_missing_or_broken(models, tmp_path):
    listing = write_csv(tmp_path / "l.csv", "path,label", "a.jpg,fear")
    with pytest.raises(InputMissingError, match="check --root"):
        evaluate_portraits(listing, tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(MediaError, match="cannot be decoded"):
        evaluate_portraits(listing, tmp_path)


def test_a_picture_without_a_face_counts_as_wrong(models, tmp_path):
    Image.fromarray(np.zeros((100, 100, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    listing = write_csv(tmp_path / "l.csv", "path,label", "a.png,neutral")
    report = evaluate_portraits(listing, tmp_path)
    assert [report[key] for key in ("n", "detection_recall", "read_share", "accuracy")] == [
        1,
        0,
        0,
        0,
    ]
    assert report["confusion_matrix"]["rows_are_truth"][0] == [0] * 8 + [1]
    assert "where_read" not in report


@pytest.mark.data
def test_figures_add_up(models, data_dir, tmp_path, capsys):
    with (data_dir / "face" / "pictures.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::16]
    lines = [
        f"{row['path']},{row['label']},{'even' if n % 2 else 'odd'}" for n, row in enumerate(rows)
    ]
    listing = write_csv(tmp_path / "l.csv", "path,label,side", *lines)
    arguments = ["--csv", str(listing), "--root", str(data_dir / "face"), "--json"]
    assert main(["evaluate", "portraits", *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    matrix = np.array(report["confusion_matrix"]["rows_are_truth"])
    assert matrix.shape == (8, 9)
    assert matrix.sum() == report["n"] == len(rows)
    assert report["accuracy"] == pytest.approx(np.trace(matrix) / len(rows), abs=1e-4)
    assert report["read_share"] == pytest.approx(1 - matrix[:, 8].sum() / len(rows), abs=1e-4)
    assert report["detection_recall"] >= report["read_share"] > 0.85
    assert list(report["per_class_recall"]) == list(EXPRESSIONS)
    assert report["where_read"]["n"] == matrix[:, :8].sum()
    sides = report["groups"]["side"]
    assert sides["even"]["n"] + sides["odd"]["n"] == len(rows)
    assert report["loss_in_the_wild"] == pytest.approx(
        report["centre_crop"]["accuracy"] - report["accuracy"], abs=1e-4
    )


@pytest.mark.data
def test_a_list_without_labels_gives_recall_and_predictions(models, data_dir, tmp_path):
    with (data_dir / "face" / "fairface.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::100]
    lines = [f"{row['path']},{row['gender']}" for row in rows]
    listing = write_csv(tmp_path / "l.csv", "path,gender", *lines)
    report = evaluate_portraits(listing, data_dir / "face")
    assert "accuracy" not in report
    assert sum(report["predicted_share"].values()) == pytest.approx(1.0, abs=1e-3)
    assert sorted(report["groups"]["gender"]) == ["Female", "Male"]
