/* The smallest program that uses the library: for pkg-config and CMake. */

#include <string.h>

#include <untorn.h>

int main(void) { return strcmp(untorn_version(), UNTORN_VERSION) == 0 ? 0 : 1; }
