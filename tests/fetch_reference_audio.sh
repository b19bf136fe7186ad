#!/bin/sh
# Unpacks the Debian packages whose music the reference descriptors were measured on (GPL-2+ or BSD by package).
# Usage: tests/fetch_reference_audio.sh FOLDER; then set EDMLIVE_REFERENCE_AUDIO=FOLDER for pytest.
set -eu
folder=${1:?usage: $0 FOLDER}
mkdir -p "$folder"
cd "$folder"
for package in nexuiz-music torus-trooper-data gunroar-data mu-cade-data titanion-data a7xpg-data parsec47-data \
    rrootage-data noiz2sa-data val-and-rick-data; do
    ls "$package"_*.deb >/dev/null 2>&1 || apt-get download "$package"
    dpkg -x "$package"_*.deb .
done
python3 -m zipfile -e usr/share/games/nexuiz/data/music.pk3 .
