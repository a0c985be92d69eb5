/* A driver for untorn on libpq: a pool of connections under a mutex, and connections of their
 * own for leases and followers. */

#include "untorn_libpq.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE = 8 };

struct pool {
  pthread_mutex_t mutex;
  PGconn *idle[IDLE];
  size_t count;
  char conninfo[];
};

/* The server's notices would go to standard error. */
static void ignore(void *nothing, const PGresult *notice) {
  (void)nothing;
  (void)notice;
}

/* A login that the server refuses, whatever is tried. libpq gives no code for it. */
static bool is_refused(const PGconn *connection) {
  const char *why = PQerrorMessage(connection);
  return PQconnectionNeedsPassword(connection) || strstr(why, "authentication failed") != NULL ||
         strstr(why, "FATAL:  role") != NULL;
}

/* What it returns instead of a connection is in *code. */
static PGconn *open_connection(const struct pool *pool, untorn_postgres_answer *answer,
                               int32_t *code) {
  PGconn *connection = PQconnectdb(pool->conninfo);
  *code = UNTORN_POSTGRES_NO_CONNECTION;
  if (connection == NULL || PQstatus(connection) != CONNECTION_OK ||
      PQsetClientEncoding(connection, "UTF8") != 0) {
    /* libpq puts no password into its messages. */
    if (connection != NULL && is_refused(connection)) {
      untorn_postgres_answer_refused(answer, "28P01", PQerrorMessage(connection), NULL, NULL);
      *code = UNTORN_POSTGRES_REFUSED;
    } else {
      untorn_postgres_answer_failed(answer,
                                    connection ? PQerrorMessage(connection) : "out of memory");
    }
    PQfinish(connection);
    return NULL;
  }
  PQsetNoticeReceiver(connection, ignore, NULL);
  return connection;
}

/* An idle connection that still lives, or a new one. */
static PGconn *take(struct pool *pool, untorn_postgres_answer *answer, int32_t *code) {
  for (;;) {
    PGconn *connection = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->count > 0)
      connection = pool->idle[--pool->count];
    pthread_mutex_unlock(&pool->mutex);
    if (connection == NULL)
      return open_connection(pool, answer, code);
    /* The server may have closed it meanwhile. */
    if (PQconsumeInput(connection) && PQstatus(connection) == CONNECTION_OK)
      return connection;
    PQfinish(connection);
  }
}

static void put_back(struct pool *pool, PGconn *connection) {
  if (PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) == PQTRANS_IDLE) {
    pthread_mutex_lock(&pool->mutex);
    if (pool->count < IDLE) {
      pool->idle[pool->count++] = connection;
      connection = NULL;
    }
    pthread_mutex_unlock(&pool->mutex);
  }
  PQfinish(connection);
}

static int32_t give_rows(const PGresult *result, untorn_postgres_answer *answer) {
  for (int row = 0; row < PQntuples(result); row++) {
    untorn_postgres_answer_row(answer);
    for (int column = 0; column < PQnfields(result); column++) {
      const char *data =
          PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
      untorn_postgres_answer_value(answer, PQftype(result, column), data,
                                   (size_t)PQgetlength(result, row, column));
    }
  }
  return UNTORN_POSTGRES_ANSWERED;
}

static int32_t run(PGconn *connection, const untorn_postgres_statement *statement,
                   untorn_postgres_answer *answer) {
  PGresult *result =
      PQexecParams(connection, statement->sql, statement->count, statement->types,
                   statement->values, statement->lengths, statement->formats, 1);
  ExecStatusType status = PQresultStatus(result);
  const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  int32_t code = UNTORN_POSTGRES_NO_ANSWER;
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
    code = give_rows(result, answer);
  } else if (sqlstate != NULL) {
    untorn_postgres_answer_refused(answer, sqlstate,
                                   PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                                   PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
                                   PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    code = UNTORN_POSTGRES_REFUSED;
  } else {
    /* Only the server gives a SQLSTATE: the connection broke. */
    untorn_postgres_answer_failed(answer, PQerrorMessage(connection));
  }
  PQclear(result);
  return code;
}

static int32_t query(void *context, void *own, const untorn_postgres_statement *statement,
                     untorn_postgres_answer *answer) {
  if (own != NULL)
    return run(own, statement, answer);
  int32_t code;
  PGconn *connection = take(context, answer, &code);
  if (connection == NULL)
    return code;
  code = run(connection, statement, answer);
  put_back(context, connection);
  return code;
}

static int32_t connect_own(void *context, void **connection_out, untorn_postgres_answer *answer) {
  int32_t code;
  *connection_out = open_connection(context, answer, &code);
  return *connection_out != NULL ? UNTORN_POSTGRES_ANSWERED : code;
}

static void disconnect(void *connection) { PQfinish(connection); }

static int32_t wait_on(void *connection, int64_t timeout_ms, untorn_postgres_answer *answer) {
  PGnotify *told = PQnotifies(connection);
  struct pollfd readable = {PQsocket(connection), POLLIN, 0};
  /* Interrupted by a signal, it found nothing: the library asks again. */
  if (told == NULL && poll(&readable, 1, (int)timeout_ms) > 0 && !PQconsumeInput(connection)) {
    untorn_postgres_answer_failed(answer, PQerrorMessage(connection));
    return UNTORN_POSTGRES_NO_ANSWER;
  }
  for (; told != NULL || (told = PQnotifies(connection)) != NULL; told = NULL) {
    untorn_postgres_answer_notified(answer, told->relname);
    PQfreemem(told);
  }
  return UNTORN_POSTGRES_ANSWERED;
}

static void release(void *context) {
  struct pool *pool = context;
  while (pool->count > 0)
    PQfinish(pool->idle[--pool->count]);
  pthread_mutex_destroy(&pool->mutex);
  free(pool);
}

bool untorn_libpq_driver(const char *conninfo, untorn_postgres_driver *driver) {
  struct pool *pool = calloc(1, sizeof *pool + strlen(conninfo) + 1);
  if (pool == NULL || pthread_mutex_init(&pool->mutex, NULL) != 0) {
    free(pool);
    return false;
  }
  strcpy(pool->conninfo, conninfo);
  untorn_postgres_driver made = UNTORN_POSTGRES_DRIVER_INIT;
  made.context = pool;
  made.query = query;
  made.release = release;
  made.connect = connect_own;
  made.disconnect = disconnect;
  made.wait = wait_on;
  *driver = made;
  return true;
}
