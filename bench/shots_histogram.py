"""A plain search for cuts, as one finds it in tutorials: neighbouring frames whose hue, saturation and value histograms are
further apart (Bhattacharyya) than a threshold. Peer of bench/shots.

    shots_histogram.py THRESHOLD CLIP...
"""
import sys

import cv2

cv2.setNumThreads(1)
threshold = float(sys.argv[1])
for clip in sys.argv[2:]:
    print("film", clip)
    video, before, number = cv2.VideoCapture(clip), None, 0
    rate = video.get(cv2.CAP_PROP_FPS)
    while True:
        good, frame = video.read()
        if not good:
            break
        hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
        now = cv2.calcHist([hsv], [0, 1, 2], None, [16, 8, 8], [0, 180, 0, 256, 0, 256])
        cv2.normalize(now, now, 1, 0, cv2.NORM_L1)
        if before is not None and cv2.compareHist(before, now, cv2.HISTCMP_BHATTACHARYYA) > threshold:
            print("cut", number / rate)
        before, number = now, number + 1
