/* Looks of a whole clip, so that what was learned from one can be tested on another. */
#ifndef SCENE_STYLE_H
#define SCENE_STYLE_H

enum style {
    STYLE_FIRST,  /* as everything else expects it */
    STYLE_VARIED, /* the first through other cameras: tones, sharpness, noise, part of the view, pace */
    STYLE_SECOND, /* other places, other drawings of most kinds, other cameras; nothing learns from it */
    STYLE_THIRD,  /* the varied with drawings in which little is fixed */
    STYLES,
};

#endif
