#!/usr/bin/env bash
# clips.sh SCENE DIR: the files the wire and flow tests upload: the bundled demo clip, the scene renderer's, and made by hand.
set -euo pipefail
scene=$1 dir=$2
mkdir -p "$dir"
cp "$(dirname "$0")/../../tools/demo/alarm.mp4" "$dir/person.mp4"
cd "$dir"
"$scene" --kind empty --seed 1 --seconds 2 --fps 10 --size 640x480 --out empty.mp4
"$scene" --kind person --seed 7 --seconds 0.5 --fps 2 --size 160x120 --out tiny.mp4
"$scene" --kind person --seed 3 --seconds 40 --fps 3 --size 320x240 --out long.mp4 # a second of work, so that one can interfere
: >zero.bin
head -c 2500000 /dev/zero >huge.bin
printf 'This is not a video. Nobody was here.\n' >text.mp4
head -c 3000 person.mp4 >cut.mp4
{ printf '{"a":"'; head -c 70000 /dev/zero | tr '\0' x; printf '"}'; } >big.json
# One second of silence as WAV: 44 bytes of head, 8 kHz, 16 bits, one channel.
{ printf 'RIFF\244\076\000\000WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\200\076\000\000\002\000\020\000data\200\076\000\000'
  head -c 16000 /dev/zero; } >audio.wav
# Recordings of a sensor: five readings of two axes, ragged ones, ones without a time, a single one; a picture of 2 x 2.
printf 'timestamp,accX,accY\n0,1,2\n10,3,4.5\n20,-5,6\n30,0.1,8\n40,9,10\n' >idle.01.csv
printf 'timestamp,accX,accY\n0,1,2\n10,3\n20,5,6\n' >ragged.csv
printf 'accX,accY\n1,2\n3,4\n' >timeless.csv
printf 'accX,accY\n1,2\n' >single.csv
printf 'timestamp,accX\n0,1\n10,nan\n20,3\n' >nan.csv
printf '{"version":1,"type":"structured-labels","structuredLabels":{"idle.01.csv":[{"startIndex":0,"endIndex":1,"label":"a"},{"startIndex":2,"endIndex":4,"label":"b"}]}}' >structured_labels.labels
printf '{"version":1,"type":"structured-labels","structuredLabels":{"idle.01.csv":[{"startIndex":0,"endIndex":5,"label":"a"}]}}' >long.labels
printf '{"version":1,"type":"bounding-box-labels","boundingBoxes":{"dot.png":[{"label":"dot","x":0,"y":0,"width":1,"height":2}]}}' >bounding_boxes.labels
printf '{"version":1,"files":[{"path":"testing/idle.01.csv","name":"renamed","category":"testing","label":{"type":"label","label":"calm"}}]}' >info.labels
printf '{"version":1}' >broken.labels
printf '\211PNG\015\012\032\012\000\000\000\015IHDR\000\000\000\002\000\000\000\002\010\002\000\000\000\375\324\232s\000\000\000\021IDATx\332c\370\317\300\300\360\037\214\200\030\000\035\360\003\375\256\077\3428\000\000\000\000IEND\256B\140\202' >dot.png
# A PDF that was signed, and added to behind what was signed.
printf '%%PDF-1.7\n1 0 obj\n<</Producer (Word) /ByteRange [0 20 40 30]>>\nendobj\n%%%%EOF\n2 0 obj\n<<>>\nendobj\n%%%%EOF\n' >changed.pdf
