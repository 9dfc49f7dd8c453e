/* The floor for the HTTP benchmarks: the least that libmicrohttpd needs to answer a GET with a fixed body.
 * The library's own defaults, but for the event loop. Usage: bare_mhd PORT [THREADS] */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char body[64 << 10] = "{\"id\":\"6662efdb5200108549e3ac2b\",\"ok\":true}\n";

/* The first call only notes the request: an answer given there would close the connection. */
static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*state) {
        *state = response;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static size_t read_body(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(body, 1, sizeof body, f) : 0;

    if (!n) {
        fprintf(stderr, "bare_mhd: cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    size_t len = argc > 3 ? read_body(argv[3]) : strlen(body);
    struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_PERSISTENT);
    int port = argc > 1 ? atoi(argv[1]) : 0, threads = argc > 2 ? atoi(argv[2]) : 2;
    struct MHD_Daemon *daemon;

    if (port <= 0 || threads < 1) {
        fprintf(stderr, "usage: bare_mhd PORT [THREADS [FILE]]\n");
        return 2;
    }
    addr.sin_port = htons((uint16_t)port);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer,
                              response, MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_CONNECTION_TIMEOUT, 30U,
                              threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (unsigned)threads,
                              MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "bare_mhd: cannot listen on port %d\n", port);
        return 1;
    }
    for (;;)
        pause();
}
