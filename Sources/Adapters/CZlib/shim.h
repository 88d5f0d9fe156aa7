// zlib, from Debian's zlib1g-dev, which the Swift toolchain needs itself.
// SPDX-License-Identifier: Apache-2.0

#include <zlib.h>
