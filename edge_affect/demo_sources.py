"""What the clip of the demo is made from; nothing of it is kept in this repository.

The pictures are official portraits, works of the US government, carried by the source archive of
``face-recognition``; the speech is a LibriVox reading, in the public domain, carried by the source
archive of ``pocketsphinx``. Both archives are pinned to the last bit, and so is each file taken.
"""

from __future__ import annotations

from edge_affect.packages import Member, PinnedPackage

PICTURES_PACKAGE = PinnedPackage(
    "face-recognition",
    "1.3.0",
    "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
    is_source=True,
)
SMILE = Member(
    "face_recognition-1.3.0/tests/test_images/obama.jpg",
    "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    "smile.jpg",
)
SOBER = Member(
    "face_recognition-1.3.0/tests/test_images/biden.jpg",
    "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    "sober.jpg",
)
SPEECH_PACKAGE = PinnedPackage(
    "pocketsphinx",
    "5.1.1",
    "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
    is_source=True,
)
_LIBRIVOX = "pocketsphinx-5.1.1/test/data/librivox/sense_and_sensibility_01_austen_64kb-"
SENTENCES = (
    Member(
        f"{_LIBRIVOX}0870.wav",
        "b0557cf95c974d930577e58e46b7f068c432a6e3afcc286563d88922b2a5315c",
        "sentence-1.wav",
    ),
    Member(
        f"{_LIBRIVOX}0890.wav",
        "5793ffbdee55fb8bfd284943a6866864c832d9d4accf2661cabd39915c84ee10",
        "sentence-2.wav",
    ),
    Member(
        f"{_LIBRIVOX}0920.wav",
        "40882414ef4cc51f3ff7a63bad0c8c87e7f595ffeb8209fbf756c8ebc5c28a59",
        "sentence-3.wav",
    ),
    Member(
        f"{_LIBRIVOX}0880.wav",
        "fbec491ef00ee734a67f0ee318e98c51c157b479e1629ff4f4426861ecac0414",
        "sentence-4.wav",
    ),
    Member(
        f"{_LIBRIVOX}0930.wav",
        "954adbf0b56ac8a148cbe77b39ca18d76b5f2a1e1f405565bd786ce3e68a68b7",
        "sentence-5.wav",
    ),
)
