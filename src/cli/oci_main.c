/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whittle-oci: an OCI runtime that records what the containers need that the real runtime makes.
 * It looks at the command line, sees to it that a recorder is there, and becomes the real runtime:
 * whatever an engine asks, gets and waits for is that one's.
 */
#include "base/memory.h"
#include "cli/oci_record.h"
#include "cli/oci_spare.h"
#include "tracer/launch.h"
#include "tracer/oci_arguments.h"
#include "tracer/oci_bundle.h"
#include "tracer/oci_config.h"
#include "tracer/oci_log.h"
#include "tracer/oci_process.h"
#include "tracer/oci_service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long the end of a container waits for its recording to be written. */
enum { WRITING_MILLISECONDS = 10000 };

/* Exit status where the runtime could not even be started, as runc's own for its errors. */
enum { EXIT_RUNTIME = 1 };

static void tell(const OciArguments *arguments, OciLogLevel level, const char *what,
                 const Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;

    if (buffer_printf(&text, "whittle-oci: %s%s%s", what, *what ? ": " : "", err->text) == 0)
        (void)oci_log(arguments->log, arguments->log_format, level, buffer_text(&text), NULL, 0);
}

/* As runc does, also to standard error if the log is elsewhere: an engine may show only that. */
static int refuse(const OciArguments *arguments, const Error *err)
{
    OciArguments plain = *arguments;

    tell(arguments, OCI_LOG_ERROR, "", err);
    plain.log_format = NULL;
    if (plain.log && *plain.log && strcmp(plain.log, "/dev/stderr") != 0) {
        plain.log = NULL;
        tell(&plain, OCI_LOG_ERROR, "", err);
    }
    return EXIT_RUNTIME;
}

/* What each command needs before the runtime gets it. 0; 1 with a warning in ERR; or a negative
 * errno with ERR. */
typedef int Prepare(const OciConfig *config, const char *runtime, const OciArguments *arguments,
                    Error *err);

static int prepare_container(const OciConfig *config, const char *runtime,
                             const OciArguments *arguments, Error *err)
{
    return oci_record_container(config, runtime, arguments, err);
}

static int prepare_exec(const OciConfig *config, const char *runtime, const OciArguments *arguments,
                        Error *err)
{
    (void)runtime;
    return oci_record_exec(config, arguments, err);
}

/* Whoever removes a container may want to read its recording next. */
static int prepare_delete(const OciConfig *config, const char *runtime,
                          const OciArguments *arguments, Error *err)
{
    (void)config;
    (void)runtime;
    if (oci_service_await_end(arguments->root, arguments->container, WRITING_MILLISECONDS) < 0)
        return error_set(err, -ETIMEDOUT, "the recorder of container %s is still at it",
                         arguments->container);
    return 0;
}

static const struct Preparation {
    const char *command;
    Prepare *prepare;
    bool may_refuse;       /* the configuration's on-failure decides what an error means */
    const char *otherwise; /* what it means */
} preparations[] = {
    {"create", prepare_container, true, "the container runs unrecorded"},
    {"run", prepare_container, true, "the container runs unrecorded"},
    {"exec", prepare_exec, true, "the added process runs unrecorded"},
    {"delete", prepare_delete, false, "the recording comes later"},
};

/* 0: go on with the runtime. */
static int prepare(const OciConfig *config, const char *runtime, const OciArguments *arguments)
{
    Error err = {0};

    if (!arguments->command || !arguments->container || arguments->help)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(preparations); i++) {
        const struct Preparation *row = &preparations[i];
        if (strcmp(arguments->command, row->command) != 0)
            continue;
        const int r = row->prepare(config, runtime, arguments, &err);
        if (r > 0)
            tell(arguments, OCI_LOG_WARNING, "", &err);
        if (r >= 0)
            return 0;
        if (row->may_refuse && config->on_failure == OCI_ON_FAILURE_REFUSE)
            return refuse(arguments, &err);
        tell(arguments, OCI_LOG_WARNING, row->otherwise, &err);
    }
    return 0;
}

/* A person who asks for help gets the real runtime's, whose options all are, and is told whose it
 * is. A program gets nothing but what it expects of that runtime. */
static void introduce(const OciArguments *arguments, const char *last, const char *runtime)
{
    static const char *const requests[] = {"--help", "-h"};

    if (arguments->command || !isatty(STDERR_FILENO))
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        if (strcmp(last, requests[i]) == 0)
            (void)fprintf(stderr,
                          "whittle-oci %s: records what containers need, and is %s in all else; "
                          "see whittle-oci(8). The help of that:\n",
                          WHITTLE_VERSION, runtime);
    }
}

int main(int argc, char **argv)
{
    CLEANUP(oci_config_deinit) OciConfig config = {0};
    CLEANUP(free_pointer) char *runtime = NULL;
    CLEANUP(free_pointer) char *word = NULL;
    OciArguments arguments;
    bool may_be_missing;
    Error err = {0};

    if (argc == 2 && strcmp(argv[1], OCI_SPARE_COMMAND) == 0)
        return oci_spare_main();
    if (oci_arguments_read(argc, argv, &arguments) < 0)
        return EXIT_RUNTIME;
    const char *path = oci_config_path(&may_be_missing);
    if (oci_config_read(path, may_be_missing, &config, &err) < 0 ||
        oci_config_find_runtime(&config, &runtime, &err) < 0)
        return refuse(&arguments, &err);
    introduce(&arguments, argv[argc - 1], runtime);
    if (!arguments.help && oci_process_hold(argc, argv, &arguments, &word, &err) < 0)
        return refuse(&arguments, &err);
    const int status = prepare(&config, runtime, &arguments);
    if (status != 0)
        return status;
    argv[0] = runtime;
    (void)execv(runtime, argv);
    (void)error_errno(&err, errno, "cannot run %s", runtime);
    return refuse(&arguments, &err);
}
