// The kernels' own sources, compiled for a processor.

#include "emulator.hpp"

// The same file, once for each form of forest.
namespace trees32_narrow_f32 {
#define FEATURE_BITS 32
#define WIDE 0
#define SUM_BITS 32
#include "trees.cu"
} // namespace trees32_narrow_f32

namespace trees32_narrow_f64 {
#undef SUM_BITS
#define SUM_BITS 64
#include "trees.cu"
} // namespace trees32_narrow_f64

namespace trees32_wide_f64 {
#undef WIDE
#define WIDE 1
#include "trees.cu"
} // namespace trees32_wide_f64

namespace trees32_wide_f32 {
#undef SUM_BITS
#define SUM_BITS 32
#include "trees.cu"
} // namespace trees32_wide_f32

namespace trees64_wide_f32 {
#undef FEATURE_BITS
#define FEATURE_BITS 64
#include "trees.cu"
} // namespace trees64_wide_f32

namespace trees64_wide_f64 {
#undef SUM_BITS
#define SUM_BITS 64
#include "trees.cu"
} // namespace trees64_wide_f64

namespace rows {
#include "rows.cu"
}

namespace scores {
#include "scores.cu"
}

namespace bins {
#include "bins.cu"
}
