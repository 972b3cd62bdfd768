// Blocks of threads that take turns, and memory that says so when it is left.

#include "emulator.hpp"

#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

#include "kernel_table.hpp"

emulator::Place threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

namespace {

constexpr size_t STACK_BYTES = 64 << 10;
constexpr u32 WARP = 32;

enum class State { Ready, AtBarrier, AtWarp, Done };

struct Thread {
    ucontext_t context;
    void* stack = nullptr;
    State state = State::Done;
    u32 mask = 0;
    // Values are exchanged in two places in turn: who is quick may give the next while others still take the last.
    u64 exchanges = 0;
    u64 given[2] = {0, 0};
};

std::vector<Thread> threads;
ucontext_t scheduler;
Thread* running = nullptr;
Kernel kernel;
const void* argument;
u8* shared = nullptr;
u32 launches = 0;

size_t page() {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

std::mutex mappings_mutex;
std::map<void*, std::pair<void*, size_t>> mappings;

void enter() {
    kernel(argument);
    running->state = State::Done;
}

void wait_as(State state) {
    Thread* self = running;
    self->state = state;
    swapcontext(&self->context, &scheduler);
}

void resume(u32 index) {
    running = &threads[index];
    threadIdx = {index, 0, 0};
    swapcontext(&scheduler, &running->context);
}

void prepare(Thread& thread) {
    if (thread.stack == nullptr) {
        thread.stack = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack;
    thread.context.uc_stack.ss_size = STACK_BYTES;
    thread.context.uc_link = &scheduler;
    makecontext(&thread.context, enter, 0);
    thread.state = State::Ready;
    thread.exchanges = 0;
}

// Lets warps go on whose lanes have all come.
bool release_warps(u32 count) {
    bool any = false;
    for (u32 index = 0; index < count; index++) {
        Thread& thread = threads[index];
        if (thread.state != State::AtWarp) {
            continue;
        }
        const u32 first = index / WARP * WARP;
        bool all = true;
        for (u32 lane = 0; lane < WARP; lane++) {
            if (thread.mask >> lane & 1) {
                const bool here = first + lane < count && threads[first + lane].state == State::AtWarp;
                all &= here && threads[first + lane].mask == thread.mask
                    && threads[first + lane].exchanges == thread.exchanges;
            }
        }
        if (!all) {
            continue;
        }
        const u32 mask = thread.mask;
        for (u32 lane = 0; lane < WARP; lane++) {
            if (mask >> lane & 1) {
                threads[first + lane].state = State::Ready;
            }
        }
        any = true;
    }
    return any;
}

// The thread that comes in a place: in order, against it, or every other first.
u32 in_turn(u32 place, u32 count) {
    switch (launches % 3) {
    case 0: return place;
    case 1: return count - 1 - place;
    default: return place < count / 2 ? 2 * place + 1 : 2 * (place - count / 2);
    }
}

const char* run_block(u32 count) {
    for (u32 index = 0; index < count; index++) {
        prepare(threads[index]);
    }
    for (;;) {
        bool ran = false;
        for (u32 place = 0; place < count; place++) {
            const u32 index = in_turn(place, count);
            if (threads[index].state == State::Ready) {
                resume(index);
                ran = true;
            }
        }
        if (ran || release_warps(count)) {
            continue;
        }
        u32 waiting = 0, done = 0;
        for (u32 index = 0; index < count; index++) {
            waiting += threads[index].state == State::AtBarrier;
            done += threads[index].state == State::Done;
        }
        if (done == count) {
            return nullptr;
        }
        if (waiting != count) {
            return "threads of a block wait in different places, and for ever";
        }
        for (u32 index = 0; index < count; index++) {
            threads[index].state = State::Ready;
        }
    }
}

} // namespace

const char* run(const Launch& launch) {
    launches++;
    kernel = launch.kernel;
    argument = launch.argument;
    blockDim = launch.block;
    gridDim = launch.grid;
    const u32 count = launch.block.x;
    if (threads.size() < count) {
        threads = std::vector<Thread>(count);
    }
    shared = static_cast<u8*>(guarded(launch.shared_bytes));
    const char* wrong = nullptr;
    for (u32 y = 0; y < launch.grid.y && wrong == nullptr; y++) {
        for (u32 x = 0; x < launch.grid.x && wrong == nullptr; x++) {
            blockIdx = {x, y, 0};
            std::memset(shared, 0xff, launch.shared_bytes);
            wrong = run_block(count);
        }
    }
    release(shared);
    return wrong;
}

u8* shared_memory() { return shared; }

void barrier() { wait_as(State::AtBarrier); }

u64 exchange(u32 mask, u64 value, u32 from) {
    Thread* self = running;
    const u32 first = static_cast<u32>(self - threads.data()) / WARP * WARP;
    const u64 turn = self->exchanges++ % 2;
    self->given[turn] = value;
    self->mask = mask;
    wait_as(State::AtWarp);
    return threads[first + from].given[turn];
}

void* guarded(size_t bytes) {
    // Vectors of sixteen bytes are the widest that kernels use: ends are exact to that.
    const size_t room = (bytes + 15) / 16 * 16;
    const size_t pages = (room + page() - 1) / page() * page();
    u8* start = static_cast<u8*>(
        mmap(nullptr, pages + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (start == MAP_FAILED || mprotect(start + page(), pages, PROT_READ | PROT_WRITE) != 0) {
        return nullptr;
    }
    u8* address = start + page() + pages - room;
    std::memset(start + page(), 0xff, pages);
    const std::lock_guard<std::mutex> lock(mappings_mutex);
    mappings[address] = {start, pages + 2 * page()};
    return address;
}

void release(void* address) {
    const std::lock_guard<std::mutex> lock(mappings_mutex);
    const auto found = mappings.find(address);
    if (found != mappings.end()) {
        munmap(found->second.first, found->second.second);
        mappings.erase(found);
    }
}

std::map<std::string, Known>& kernel_table() {
    static std::map<std::string, Known> table;
    return table;
}

Registration::Registration(const char* name, size_t bytes, Kernel kernel) { kernel_table()[name] = {kernel, bytes}; }

} // namespace emulator
