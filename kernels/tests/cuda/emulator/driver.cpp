// CUDA's driver, as far as the kernels' callers know it, over the emulator. Nothing that is put on a stream happens before
// somebody waits for that stream: who takes answers, or touches what is on its way, too early gets something else. Calls from a
// thread that has not turned to a device are refused, memory ends where it was asked to, and there is little of it.

#include "kernel_table.hpp"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

namespace {

enum Result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
};

size_t setting(const char* name, size_t otherwise) {
    const char* given = std::getenv(name);
    return given == nullptr ? otherwise : static_cast<size_t>(std::strtoull(given, nullptr, 10));
}

constexpr int DEVICES = 6;
// What a server sees is set from without: how many of the devices, and the memory of each in bytes.
const int SEEN = static_cast<int>(setting("EMULATED_DEVICES", DEVICES));
const size_t MEMORY = setting("EMULATED_DEVICE_BYTES", size_t{256} << 20);

struct Device {
    const char* name;
    int capability;
    int multiprocessors;
    int shared_bytes;
    // What has been taken of it and not given back: bytes, and streams and contexts.
    size_t bytes = 0;
    size_t others = 0;
    bool fails_next = false;
};

// A large one and a small one for what every device is held to, and one for each test that must have one for itself.
Device devices[DEVICES] = {
    {"Emulated Large", 9, 4, 227 << 10},
    {"Emulated Small", 9, 2, 64 << 10},
    {"Emulated", 8, 2, 99 << 10},
    {"Emulated", 9, 2, 99 << 10},
    {"Emulated", 9, 2, 99 << 10},
    {"Emulated", 9, 2, 99 << 10},
};

struct Stream {
    int device = 0;
    std::deque<std::function<Result()>> work;
};

struct Function {
    emulator::Known known;
    int most_shared = 48 << 10;
};

std::mutex mutex;
std::set<Stream*> streams;
// The stream of who names none.
Stream nobodys;
struct Allocation {
    size_t bytes;
    int device;
};

std::map<void*, Allocation> allocated;
// The device that this thread has turned to, plus one.
thread_local int current = 0;

Device& here() { return devices[current - 1]; }

Result drain(Stream* stream) {
    Result first = SUCCESS;
    while (!stream->work.empty()) {
        const Result result = stream->work.front()();
        stream->work.pop_front();
        first = first == SUCCESS ? result : first;
    }
    return first;
}

// Whether what is copied from or to lies in one piece of the device's memory.
bool is_mapped(u64 address, size_t bytes) {
    const auto after = allocated.upper_bound(reinterpret_cast<void*>(address));
    if (after == allocated.begin()) {
        return false;
    }
    const auto [start, allocation] = *std::prev(after);
    return allocation.device == current && address + bytes <= reinterpret_cast<u64>(start) + allocation.bytes;
}

} // namespace

#define CALL extern "C" __attribute__((visibility("default"))) int
#define NEEDS_CONTEXT                                                                                                       \
    const std::lock_guard<std::mutex> lock(mutex);                                                                          \
    if (current == 0) {                                                                                                     \
        return INVALID_CONTEXT;                                                                                             \
    }

CALL cuInit(u32) { return SUCCESS; }

CALL cuDriverGetVersion(int* version) {
    *version = 13000;
    return SUCCESS;
}

CALL cuDeviceGetCount(int* count) {
    *count = SEEN;
    return SUCCESS;
}

CALL cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal < SEEN ? SUCCESS : INVALID_VALUE;
}

CALL cuDeviceGetName(char* name, int length, int device) {
    std::strncpy(name, devices[device].name, static_cast<size_t>(length));
    return SUCCESS;
}

CALL cuDeviceGetUuid_v2(u8* uuid, int device) {
    std::memset(uuid, device + 1, 16);
    return SUCCESS;
}

CALL cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = MEMORY;
    return SUCCESS;
}

CALL cuDeviceGetAttribute(int* value, int attribute, int device) {
    switch (attribute) {
    case 16: *value = devices[device].multiprocessors; return SUCCESS;
    case 75: *value = devices[device].capability; return SUCCESS;
    case 76: *value = 0; return SUCCESS;
    case 97: *value = devices[device].shared_bytes; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

CALL cuDevicePrimaryCtxRetain(void** context, int device) {
    const std::lock_guard<std::mutex> lock(mutex);
    devices[device].others++;
    *context = reinterpret_cast<void*>(static_cast<u64>(device) + 1);
    return SUCCESS;
}

CALL cuDevicePrimaryCtxRelease_v2(int device) {
    const std::lock_guard<std::mutex> lock(mutex);
    devices[device].others--;
    return SUCCESS;
}

CALL cuCtxSetCurrent(void* context) {
    current = static_cast<int>(reinterpret_cast<u64>(context));
    return SUCCESS;
}

CALL cuMemGetInfo_v2(size_t* free, size_t* total) {
    NEEDS_CONTEXT
    *free = MEMORY - here().bytes;
    *total = MEMORY;
    return SUCCESS;
}

CALL cuMemAlloc_v2(u64* address, size_t bytes) {
    NEEDS_CONTEXT
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (bytes > MEMORY - here().bytes) {
        return OUT_OF_MEMORY;
    }
    void* memory = emulator::guarded(bytes);
    allocated[memory] = {bytes, current};
    here().bytes += bytes;
    *address = reinterpret_cast<u64>(memory);
    return SUCCESS;
}

CALL cuMemFree_v2(u64 address) {
    NEEDS_CONTEXT
    drain(&nobodys);
    for (Stream* stream : streams) {
        drain(stream);
    }
    const auto found = allocated.find(reinterpret_cast<void*>(address));
    if (found == allocated.end() || found->second.device != current) {
        return INVALID_VALUE;
    }
    here().bytes -= found->second.bytes;
    emulator::release(found->first);
    allocated.erase(found);
    return SUCCESS;
}

CALL cuMemHostAlloc(void** memory, size_t bytes, u32) {
    NEEDS_CONTEXT
    *memory = emulator::guarded(bytes);
    return *memory == nullptr ? OUT_OF_MEMORY : SUCCESS;
}

CALL cuMemFreeHost(void* memory) {
    NEEDS_CONTEXT
    emulator::release(memory);
    return SUCCESS;
}

CALL cuMemcpyHtoDAsync_v2(u64 to, const void* from, size_t bytes, Stream* stream) {
    NEEDS_CONTEXT
    if (!is_mapped(to, bytes)) {
        return INVALID_VALUE;
    }
    stream->work.push_back([=] {
        std::memcpy(reinterpret_cast<void*>(to), from, bytes);
        return SUCCESS;
    });
    return SUCCESS;
}

CALL cuMemcpyDtoHAsync_v2(void* to, u64 from, size_t bytes, Stream* stream) {
    NEEDS_CONTEXT
    if (!is_mapped(from, bytes)) {
        return INVALID_VALUE;
    }
    stream->work.push_back([=] {
        std::memcpy(to, reinterpret_cast<void*>(from), bytes);
        return SUCCESS;
    });
    return SUCCESS;
}

CALL cuMemcpyHtoD_v2(u64 to, const void* from, size_t bytes) {
    NEEDS_CONTEXT
    if (!is_mapped(to, bytes)) {
        return INVALID_VALUE;
    }
    // As the driver does, what is copied is taken before this returns, and is there later.
    const u8* bytes_taken = static_cast<const u8*>(from);
    nobodys.work.push_back([to, taken = std::vector<u8>(bytes_taken, bytes_taken + bytes)] {
        std::memcpy(reinterpret_cast<void*>(to), taken.data(), taken.size());
        return SUCCESS;
    });
    return SUCCESS;
}

CALL cuMemcpyDtoH_v2(void* to, u64 from, size_t bytes) {
    NEEDS_CONTEXT
    if (!is_mapped(from, bytes)) {
        return INVALID_VALUE;
    }
    drain(&nobodys);
    std::memcpy(to, reinterpret_cast<void*>(from), bytes);
    return SUCCESS;
}

CALL cuStreamCreate(Stream** stream, u32) {
    NEEDS_CONTEXT
    *stream = new Stream;
    (*stream)->device = current;
    here().others++;
    streams.insert(*stream);
    return SUCCESS;
}

CALL cuStreamSynchronize(Stream* stream) {
    NEEDS_CONTEXT
    return drain(stream == nullptr ? &nobodys : stream);
}

CALL cuStreamDestroy_v2(Stream* stream) {
    NEEDS_CONTEXT
    if (stream->device != current) {
        return INVALID_CONTEXT;
    }
    here().others--;
    streams.erase(stream);
    delete stream;
    return SUCCESS;
}

CALL cuModuleLoadData(void** module, const char* image) {
    NEEDS_CONTEXT
    *module = const_cast<char*>(image);
    return std::memcmp(image, "\x7f"
                              "ELF",
               4)
            == 0
        ? SUCCESS
        : INVALID_IMAGE;
}

CALL cuModuleUnload(void*) {
    NEEDS_CONTEXT
    return SUCCESS;
}

CALL cuModuleGetFunction(Function** function, void*, const char* name) {
    NEEDS_CONTEXT
    static std::map<std::string, Function> functions;
    const auto known = emulator::kernel_table().find(name);
    if (known == emulator::kernel_table().end()) {
        return NOT_FOUND;
    }
    *function = &functions.try_emplace(name, Function{known->second}).first->second;
    return SUCCESS;
}

CALL cuFuncSetAttribute(Function* function, int attribute, int value) {
    NEEDS_CONTEXT
    if (attribute != 8 || value > here().shared_bytes) {
        return INVALID_VALUE;
    }
    function->most_shared = value;
    return SUCCESS;
}

CALL cuLaunchKernel(Function* function, u32 grid_x, u32 grid_y, u32 grid_z, u32 block_x, u32 block_y, u32 block_z,
    u32 shared_bytes, Stream* stream, void** arguments, void**) {
    NEEDS_CONTEXT
    const bool is_sound = grid_x > 0 && grid_y > 0 && grid_y < 65536 && grid_z == 1 && block_x > 0 && block_x <= 1024
        && block_x % 32 == 0 && block_y == 1 && block_z == 1
        && shared_bytes <= static_cast<u32>(function->most_shared)
        && shared_bytes <= static_cast<u32>(here().shared_bytes);
    if (!is_sound) {
        return INVALID_VALUE;
    }
    // As the driver does, the arguments are copied before this returns.
    std::vector<u64> given(function->known.argument_bytes / 8 + 1);
    std::memcpy(given.data(), arguments[0], function->known.argument_bytes);
    Device& device = here();
    stream->work.push_back([=, &device] {
        if (device.fails_next) {
            device.fails_next = false;
            return LAUNCH_FAILED;
        }
        const emulator::Launch launch = {
            function->known.kernel, given.data(), {grid_x, grid_y, 1}, {block_x, 1, 1}, shared_bytes};
        const char* wrong = emulator::run(launch);
        if (wrong != nullptr) {
            std::fprintf(stderr, "%s\n", wrong);
        }
        return wrong == nullptr ? SUCCESS : LAUNCH_FAILED;
    });
    return SUCCESS;
}

CALL cuGetErrorName(int error, const char** name) {
    switch (error) {
    case SUCCESS: *name = "CUDA_SUCCESS"; return SUCCESS;
    case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; return SUCCESS;
    case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return SUCCESS;
    case INVALID_IMAGE: *name = "CUDA_ERROR_INVALID_IMAGE"; return SUCCESS;
    case INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; return SUCCESS;
    case NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; return SUCCESS;
    case LAUNCH_FAILED: *name = "CUDA_ERROR_LAUNCH_FAILED"; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

CALL cuGetErrorString(int error, const char** text) {
    *text = "as emulated";
    return error == SUCCESS ? INVALID_VALUE : SUCCESS;
}

// For the tests: a device's next launch fails when it is its turn.
extern "C" __attribute__((visibility("default"))) void emulator_fail_next(int device) {
    const std::lock_guard<std::mutex> lock(mutex);
    devices[device].fails_next = true;
}

// For the tests: what has been taken of a device and not given back.
extern "C" __attribute__((visibility("default"))) u64 emulator_taken(int device) {
    const std::lock_guard<std::mutex> lock(mutex);
    return devices[device].bytes + devices[device].others;
}
