// libsndfile 1.1 or newer, which reads MP3 beside WAV, FLAC and Ogg Vorbis.
#include <sndfile.h>
