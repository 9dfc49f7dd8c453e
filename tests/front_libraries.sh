#!/bin/sh
# The front decodes nothing: not one library of decoders, models or readers may come with it (ARCHITECTURE.md).
set -u
echo 1..1
bad=$(ldd "$1" | grep -oE 'lib(avformat|avcodec|swscale|swresample|avutil|jpeg|tesseract|lept|cld2|onnxruntime)\.[^ ]*' | tr '\n' ' ')
[ -z "$bad" ] && echo "ok 1 - the_front_has_no_decoders" || { echo "# $bad"; echo "not ok 1 - the_front_has_no_decoders"; }
