// What follows a model's last sums. A warp has a row; its lanes take every thirty-second value each, and what they have found
// is put together in halves, so that the order of additions is the same for every row of a width.

#define LANES 32
#define ALL_LANES 0xffffffffu

struct Score {
    const float* values;
    float* out;
    u32* indices;
    u64 rows;
    u32 width;
    // The highest that are wanted; of `scores_sigmoid` nothing.
    u32 highest;
};

__device__ inline float most(float value) {
    for (u32 distance = LANES / 2; distance > 0; distance /= 2) {
        const float other = __shfl_xor_sync(ALL_LANES, value, distance);
        value = other > value ? other : value;
    }
    return value;
}

__device__ inline float sum(float value) {
    for (u32 distance = LANES / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    }
    return value;
}

KERNEL(scores_softmax, Score) {
    const u32 lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    const u64 step = (u64)gridDim.x * warps;
    for (u64 row = (u64)blockIdx.x * warps + threadIdx.x / LANES; row < a.rows; row += step) {
        const float* values = a.values + row * a.width;
        float* out = a.out + row * a.width;
        float greatest = -INFINITY;
        for (u32 column = lane; column < a.width; column += LANES) {
            greatest = values[column] > greatest ? values[column] : greatest;
        }
        greatest = most(greatest);
        float total = 0;
        for (u32 column = lane; column < a.width; column += LANES) {
            const float power = expf(values[column] - greatest);
            out[column] = power;
            total += power;
        }
        total = sum(total);
        for (u32 column = lane; column < a.width; column += LANES) {
            out[column] /= total;
        }
    }
}

KERNEL(scores_sigmoid, Score) {
    const u64 count = a.rows * a.width, step = (u64)gridDim.x * blockDim.x;
    for (u64 place = (u64)blockIdx.x * blockDim.x + threadIdx.x; place < count; place += step) {
        a.out[place] = 1.0f / (1.0f + expf(-a.values[place]));
    }
}

// A number's place in an order of whole numbers, NaN below all others; of zeros, minus zero is as high as zero.
__device__ inline u32 height(float value) {
    if (value != value) {
        return 0;
    }
    const u32 bits = __float_as_uint(value == 0.0f ? 0.0f : value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The highest values of each row in descending order, the first of equals first: of those that come after the last that was
// found, the first. Nothing is kept but that.
KERNEL(scores_highest, Score) {
    const u32 lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    const u64 step = (u64)gridDim.x * warps;
    for (u64 row = (u64)blockIdx.x * warps + threadIdx.x / LANES; row < a.rows; row += step) {
        const float* values = a.values + row * a.width;
        // Height first, and the reverse of the column second: the greatest of these words is the next.
        u64 last = ~0ull;
        for (u32 rank = 0; rank < a.highest; rank++) {
            u64 next = 0;
            for (u32 column = lane; column < a.width; column += LANES) {
                const u64 word = (u64)height(values[column]) << 32 | (0xffffffffu - column);
                next = word < last && word > next ? word : next;
            }
            for (u32 distance = LANES / 2; distance > 0; distance /= 2) {
                const u64 other = __shfl_xor_sync(ALL_LANES, next, distance);
                next = other > next ? other : next;
            }
            last = next;
            if (lane == 0) {
                const u32 column = 0xffffffffu - (u32)next;
                a.indices[row * a.highest + rank] = column;
                a.out[row * a.highest + rank] = values[column];
            }
        }
    }
}
