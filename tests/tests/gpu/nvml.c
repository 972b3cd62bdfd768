// NVIDIA's management library, as far as the server asks it: one GPU, the emulated driver's first.

#include <string.h>

typedef struct { unsigned int gpu, memory; } Rates;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } Memory;

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
const char* nvmlErrorString(int error) { return error == 6 ? "not found" : "as emulated"; }

int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
    *device = (void*)1;
    return strcmp(uuid, "GPU-01010101-0101-0101-0101-010101010101") == 0 ? 0 : 6;
}

int nvmlDeviceGetUtilizationRates(void* device, Rates* rates) {
    (void)device;
    rates->gpu = 37;
    rates->memory = 5;
    return 0;
}

int nvmlDeviceGetMemoryInfo_v2(void* device, Memory* memory) {
    (void)device;
    memory->total = 1000;
    memory->used = 400;
    memory->reserved = 50;
    memory->free = 550;
    return 0;
}

int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts) {
    (void)device;
    *milliwatts = 123456;
    return 0;
}

// There is no nvmlDeviceGetTemperature: what a library does not tell has no series.
