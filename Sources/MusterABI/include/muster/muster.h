/* muster/muster.h — everything a plugin needs: the core and the stable extensions. */
#ifndef MUSTER_H
#define MUSTER_H

#include <muster/core.h>
#include <muster/ext/bus.h>
#include <muster/ext/http-client.h>
#include <muster/ext/http-server.h>
#include <muster/ext/listener.h>
#include <muster/ext/metrics.h>
#include <muster/ext/process.h>
#include <muster/ext/state.h>
#include <muster/ext/timer.h>
#include <muster/ext/work.h>

#endif
