// What kernels are written in, for a processor: the language's words, and blocks whose threads take turns.
//
// A thread of a block runs until it waits for others, at a barrier or for its warp, and then the next one does: nothing
// happens at the same time, so every run is the same. Which thread comes first differs from launch to launch, and shared
// memory is full of ones at first, so that a barrier that is missing shows in the answers.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

namespace emulator {

struct Place {
    u32 x, y, z;
};

typedef void (*Kernel)(const void* argument);

// A kernel that a launch can name.
struct Registration {
    Registration(const char* name, size_t bytes, Kernel kernel);
};

struct Launch {
    Kernel kernel;
    const void* argument;
    Place grid;
    Place block;
    u32 shared_bytes;
};

// Runs a launch. Says what was wrong with it, or nothing.
const char* run(const Launch& launch);

// The shared memory of the block that runs: what lies behind it cannot be touched.
u8* shared_memory();
void barrier();
// Gives each lane of the warp the value of the lane that it names; all lanes of the mask must be here.
u64 exchange(u32 mask, u64 value, u32 from);

// The address of so many bytes of ones that end where memory that cannot be touched begins.
void* guarded(size_t bytes);
void release(void* address);

} // namespace emulator

extern emulator::Place threadIdx, blockIdx, blockDim, gridDim;

#define KERNEL(name, Arguments)                                                                                             \
    static void name(const Arguments& a);                                                                                   \
    static void name##_given(const void* given) { name(*static_cast<const Arguments*>(given)); }                            \
    static const emulator::Registration name##_registration(#name, sizeof(Arguments), name##_given);                        \
    static void name(const Arguments& a)
#define DYNAMIC_SHARED(name) u8* const name = emulator::shared_memory()
#define __device__
#define __noinline__

inline void __syncthreads() { emulator::barrier(); }

template <class N> inline N __shfl_xor_sync(u32 mask, N value, u32 distance) {
    u64 bits = 0;
    std::memcpy(&bits, &value, sizeof(N));
    bits = emulator::exchange(mask, bits, (threadIdx.x % 32) ^ distance);
    std::memcpy(&value, &bits, sizeof(N));
    return value;
}

template <class To, class From> inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(To));
    return to;
}

inline float __uint_as_float(u32 bits) { return same_bits<float>(bits); }
inline u32 __float_as_uint(float number) { return same_bits<u32>(number); }
inline long long __double_as_longlong(double number) { return same_bits<long long>(number); }
inline double __longlong_as_double(long long bits) { return same_bits<double>(bits); }

template <class N> inline N atomicAdd(N* at, N more) {
    const N before = *at;
    *at = before + more;
    return before;
}

inline u32 atomicMin(u32* at, u32 other) {
    const u32 before = *at;
    *at = other < before ? other : before;
    return before;
}

inline u32 atomicMax(u32* at, u32 other) {
    const u32 before = *at;
    *at = other > before ? other : before;
    return before;
}
