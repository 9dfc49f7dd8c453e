#!/usr/bin/env bash
# clips.sh SCENE DIR: the files the wire and flow tests upload: the bundled demo clip, the scene renderer's, and made by hand.
set -euo pipefail
scene=$1 dir=$2
mkdir -p "$dir"
cp "$(dirname "$0")/../../tools/demo/alarm.mp4" "$dir/person.mp4"
cd "$dir"
"$scene" --kind empty --seed 1 --seconds 2 --fps 10 --size 640x480 --out empty.mp4
"$scene" --kind person --seed 3 --seconds 0.5 --fps 2 --size 160x120 --out tiny.mp4
"$scene" --kind person --seed 3 --seconds 40 --fps 3 --size 320x240 --out long.mp4 # a second of work, so that one can interfere
: >zero.bin
head -c 2500000 /dev/zero >huge.bin
printf 'This is not a video. Nobody was here.\n' >text.mp4
head -c 3000 person.mp4 >cut.mp4
{ printf '{"a":"'; head -c 70000 /dev/zero | tr '\0' x; printf '"}'; } >big.json
# One second of silence as WAV: 44 bytes of head, 8 kHz, 16 bits, one channel.
{ printf 'RIFF\244\076\000\000WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\200\076\000\000\002\000\020\000data\200\076\000\000'
  head -c 16000 /dev/zero; } >audio.wav
# A PDF that was signed, and added to behind what was signed.
printf '%%PDF-1.7\n1 0 obj\n<</Producer (Word) /ByteRange [0 20 40 30]>>\nendobj\n%%%%EOF\n2 0 obj\n<<>>\nendobj\n%%%%EOF\n' >changed.pdf
