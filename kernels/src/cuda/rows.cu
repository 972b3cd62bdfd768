// Rows that are gathered by their numbers, their elements made into others on the way: each rounded once, to nearest and to
// even when two are as near.

struct Gather {
    const void* from;
    void* to;
    // For each row that is wanted the number of one that is given; null when they are all wanted in their order.
    const u32* index;
    u64 rows;
    u64 width;
};

// A number of sixteen bits, of which no device needs to know more than its bits.
struct Half {
    u16 bits;
};

__device__ inline float single_of(Half half) {
    const u32 sign = (u32)(half.bits & 0x8000) << 16, exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
    if (exponent == 0) {
        // Too small for an exponent of its own: so many times 2^-24.
        const float value = (float)fraction * 5.9604644775390625e-8f;
        return sign ? -value : value;
    }
    const u32 wide = exponent == 31 ? 255 : exponent + 112;
    return __uint_as_float(sign | wide << 23 | fraction << 13);
}

__device__ inline Half half_of(float number) {
    const u32 bits = __float_as_uint(number), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    u32 half;
    if (size > 0x7f800000) {
        half = 0x7e00 | (size >> 13 & 0x3ff);
    } else if (size >= 0x477ff000) {
        half = 0x7c00;
    } else if (size >= 0x38800000) {
        half = (size + 0xfff + (size >> 13 & 1) - 0x38000000) >> 13;
    } else if (size > 0x33000000) {
        // Too small for an exponent of its own, and more than half of the least that there is.
        const u32 shift = 126 - (size >> 23), whole = (size & 0x7fffff) | 0x800000;
        half = (whole + (1u << (shift - 1)) - 1 + (whole >> shift & 1)) >> shift;
    } else {
        half = 0;
    }
    return {(u16)(sign | half)};
}

// Rounded to odd first, so that the second rounding is as good as one.
__device__ inline Half half_of(double number) {
    float nearest = (float)number;
    if (number == number && (double)nearest != number) {
        u32 bits = __float_as_uint(nearest);
        const double size = number < 0 ? -number : number, near = nearest < 0 ? -(double)nearest : (double)nearest;
        bits -= near > size ? 1 : 0;
        nearest = __uint_as_float(bits | 1);
    }
    return half_of(nearest);
}

__device__ inline void put(float& to, u8 from) { to = from; }
__device__ inline void put(float& to, Half from) { to = single_of(from); }
__device__ inline void put(float& to, float from) { to = from; }
__device__ inline void put(float& to, double from) { to = (float)from; }
__device__ inline void put(double& to, u8 from) { to = from; }
__device__ inline void put(double& to, Half from) { to = single_of(from); }
__device__ inline void put(double& to, float from) { to = from; }
__device__ inline void put(double& to, double from) { to = from; }
__device__ inline void put(Half& to, u8 from) { to = half_of((float)from); }
__device__ inline void put(Half& to, Half from) { to = from; }
__device__ inline void put(Half& to, float from) { to = half_of(from); }
__device__ inline void put(Half& to, double from) { to = half_of(from); }

template <class From, class To> __device__ inline void gather(const Gather& a) {
    const From* from = (const From*)a.from;
    To* to = (To*)a.to;
    const u64 count = a.rows * a.width, step = (u64)gridDim.x * blockDim.x;
    for (u64 place = (u64)blockIdx.x * blockDim.x + threadIdx.x; place < count; place += step) {
        u64 source = place;
        if (a.index) {
            // Half as wide, a division takes a third of the time.
            const u64 row = count >> 32 ? place / a.width : (u32)place / (u32)a.width;
            source = a.index[row] * a.width + (place - row * a.width);
        }
        put(to[place], from[source]);
    }
}

#define GATHER(from, From, to, To)                                                                                          \
    KERNEL(rows_##from##_##to, Gather) { gather<From, To>(a); }

GATHER(u8, u8, f16, Half)
GATHER(u8, u8, f32, float)
GATHER(u8, u8, f64, double)
GATHER(f16, Half, f16, Half)
GATHER(f16, Half, f32, float)
GATHER(f16, Half, f64, double)
GATHER(f32, float, f16, Half)
GATHER(f32, float, f32, float)
GATHER(f32, float, f64, double)
GATHER(f64, double, f16, Half)
GATHER(f64, double, f32, float)
GATHER(f64, double, f64, double)
