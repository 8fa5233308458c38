"""Cameras are found by names that last, and the configuration takes no others."""

import os

import pytest

from edge_affect import cli, config
from edge_affect.capture.camera_names import NamedCamera, find_camera, v4l2_cameras
from edge_affect.capture.pi_camera import pi_cameras
from edge_affect.errors import ConfigError, DeviceError, ExitCode

C525 = "usb-046d_HD_Webcam_C525_A1B2C3"
BRIO = "usb-046d_Brio_500_2218LZ"
BY_PATH = "platform-xhci-usb-0:1.2:1.0"


@pytest.fixture
def machine(tmp_path):
    """Return folders that stand for /dev and /sys/class/video4linux."""
    dev, sys_class = tmp_path / "dev", tmp_path / "sys"
    dev.mkdir()
    sys_class.mkdir()
    return dev, sys_class


def plug(dev, name, node, *, folder="v4l/by-id"):
    """Make a camera with its two nodes, as udev does: pictures and metadata."""
    for index in (0, 1):
        (dev / f"video{node + index}").touch()
        link = dev / folder / f"{name}-video-index{index}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(dev / f"video{node + index}", link.parent))


def test_the_same_camera_is_found_whatever_its_number(machine):
    dev, sys_class = machine
    plug(dev, C525, 0)
    plug(dev, BRIO, 2)
    assert find_camera("c525", v4l2_cameras(dev, sys_class)).handle == str(dev / "video0")
    # After a restart they came up the other way round.
    plug(dev, BRIO, 0)
    plug(dev, C525, 2)
    assert find_camera("c525", v4l2_cameras(dev, sys_class)).handle == str(dev / "video2")
    link = f"/dev/v4l/by-id/{C525}-video-index0"
    assert find_camera(link, v4l2_cameras(dev, sys_class)).handle == str(dev / "video2")


def test_nodes_for_metadata_are_no_cameras(machine):
    dev, sys_class = machine
    plug(dev, C525, 0)
    plug(dev, BY_PATH, 0, folder="v4l/by-path")
    assert v4l2_cameras(dev, sys_class) == [NamedCamera(str(dev / "video0"), (C525, BY_PATH))]


def test_without_udev_the_drivers_name_counts(machine):
    dev, sys_class = machine
    for node, index, name in (("video0", "0", "HD Webcam"), ("video1", "1", "HD Webcam")):
        (dev / node).touch()
        (sys_class / node).mkdir()
        (sys_class / node / "index").write_text(index + "\n")
        (sys_class / node / "name").write_text(name + "\n")
    assert v4l2_cameras(dev, sys_class) == [NamedCamera(str(dev / "video0"), ("HD Webcam",))]


TWO = [NamedCamera("a", (C525,)), NamedCamera("b", (BRIO,))]


@pytest.mark.parametrize(
    ("wanted", "cameras", "sentence"),
    [
        ("", [], "There is no camera; plug one in."),
        ("C920", [], "There is no camera, so none named 'C920'; plug one in."),
        (
            "",
            TWO,
            f"There are 2 cameras here; set [video] device to part of one name of: {C525}; {BRIO}.",
        ),
        (
            "046d",
            TWO,
            (
                "There are 2 cameras named '046d' here; set [video] device to part of one name of: "
                f"{C525}; {BRIO}."
            ),
        ),
        (
            "C920",
            TWO,
            (
                "There is no camera named 'C920'; plug it in, or set [video] device to part of: "
                f"{C525}; {BRIO}."
            ),
        ),
    ],
)
def test_what_cannot_be_decided_is_one_sentence(wanted, cameras, sentence):
    with pytest.raises(DeviceError) as caught:
        find_camera(wanted, cameras)
    assert str(caught.value) == sentence


def test_a_whole_name_goes_before_a_part_of_another():
    cameras = [NamedCamera("a", ("imx219",)), NamedCamera("b", ("imx219_noir",))]
    assert find_camera("IMX219", cameras).handle == "a"


def test_pi_cameras_are_found_by_id_and_by_sensor():
    info = [
        {"Num": 1, "Id": "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a", "Model": "imx708"},
        {"Num": 0, "Id": "/base/axi/pcie@120000/rp1/i2c@80000/imx219@10", "Model": "imx219"},
    ]
    # Picamera2 takes the place in its list for a number, not the "Num" that it tells.
    assert find_camera("imx219", pi_cameras(info)).handle == "1"
    assert find_camera("i2c@88000", pi_cameras(info[::-1])).handle == "1"


REFUSED = {
    'device = "rtsp://user:secret@10.0.0.7/stream1"': "pictures are never taken from a network",
    'device = "http://10.0.0.7/mjpg"': "pictures are never taken from a network",
    'source = "picamera2"\ndevice = "tcp://0.0.0.0:5000"': "never taken from a network",
    'device = "/dev/video0"': "a number that changes from start to start",
    'device = "2"': "a number that changes from start to start",
    'source = "jetson"\ndevice = "imx219"': "called sensor-0 to sensor-7",
    "rotation_deg = 45": "it must be 0, 90, 180 or 270",
}


@pytest.mark.parametrize("lines", REFUSED)
def test_what_may_not_be_configured_is_one_sentence(lines):
    with pytest.raises(ConfigError) as caught:
        config.parse(f"[video]\n{lines}\n", "box.toml")
    sentence = str(caught.value)
    assert REFUSED[lines] in sentence
    assert "secret" not in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_an_address_ends_every_command_with_78(tmp_path, capsys):
    path = tmp_path / "box.toml"
    path.write_text('[video]\ndevice = "rtsp://10.0.0.7/stream1"\n')
    for command in (["config", "check", str(path)], ["sense", "--config", str(path)]):
        assert cli.main(command) == ExitCode.CONFIGURATION
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "never taken from a network" in said
