/* The operations for any processor. */

#include "internal.h"

#define LEVEL LEVEL_ANY
#define NAME(name) name##_any
#include "ops/all.h"

const m2t_level m2t_level_any = OPERATIONS("any");
