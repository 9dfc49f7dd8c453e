#!/usr/bin/env bash
# clips.sh SCENE DIR: the files the wire and flow tests upload, made by the scene renderer and by hand.
set -euo pipefail
scene=$1 dir=$2
mkdir -p "$dir"
cd "$dir"
[ -f done ] && exit 0
"$scene" --kind person --seed 3 --seconds 2 --fps 10 --size 640x480 --out person.mp4
"$scene" --kind empty --seed 1 --seconds 2 --fps 10 --size 640x480 --out empty.mp4
: >zero.bin
head -c 2500000 /dev/zero >huge.bin
printf 'This is not a video. Nobody was here.\n' >text.mp4
head -c 3000 person.mp4 >cut.mp4
{ printf '{"a":"'; head -c 70000 /dev/zero | tr '\0' x; printf '"}'; } >big.json
# One second of silence as WAV: 44 bytes of head, 8 kHz, 16 bits, one channel.
{ printf 'RIFF\244\076\000\000WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\200\076\000\000\002\000\020\000data\200\076\000\000'
  head -c 16000 /dev/zero; } >audio.wav
touch done
