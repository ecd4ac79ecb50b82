#!/usr/bin/env bash
# The libraries for pictures, fonts, and sound that the laboratory and the command are linked with.
set -euo pipefail
case "$(uname)" in
  Darwin)
    for formula in libpng jpeg-turbo webp freetype libsndfile; do
      brew list --formula "$formula" >/dev/null 2>&1 || { echo "brew install $formula is needed" >&2; exit 1; }
    done ;;
  *)
    command -v dpkg-query >/dev/null || exit 0
    "$(dirname "$0")/install.sh" pkg-config libpng-dev libturbojpeg0-dev libwebp-dev libfreetype-dev libsndfile1-dev ;;
esac
