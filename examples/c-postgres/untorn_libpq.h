/* A driver for untorn on libpq. Copy untorn_libpq.c and this file into your program. */

#ifndef UNTORN_LIBPQ_H
#define UNTORN_LIBPQ_H

#include <stdbool.h>

#include <untorn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a driver that keeps idle connections to the server of this conninfo or URI. Any
 * thread may use it. It opens no connection yet. Returns false if memory is short.
 *
 * untorn_store_open_postgres() takes it over if it succeeds. Else, and if no store is
 * opened with it, call driver->release(driver->context). */
bool untorn_libpq_driver(const char *conninfo, untorn_postgres_driver *driver);

#ifdef __cplusplus
}
#endif

#endif
