// What all kernels begin with. Where they run on a processor instead, another file says the same things its own way.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
// A kernel's one argument is a value that lies in constant memory.
#define KERNEL(name, Arguments) extern "C" __global__ void name(const __grid_constant__ Arguments a)
// The shared memory that a launch asks for.
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) u8 name[]
