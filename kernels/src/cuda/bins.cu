// Histograms of columns. A block has eight columns, so that a warp reads whole sectors of four rows, and counts into shared
// memory; what it has found is added to what others have. Counts and extremes are exact; sums are of the same terms in an order
// that differs from run to run.

#define BINS 64
#define COLUMNS 8
#define NO_LEAST 0xffffffffu
#define NO_MOST 0u

// Of each column that is counted: its place in a row, its ascending edges, and the number that sums are taken from.
struct Count {
    const float* values;
    const u32* places;
    const float* edges;
    const double* pivots;
    u64* counts;
    double* sums;
    double* squares;
    u64* nulls;
    u64* infinite;
    u32* least;
    u32* most;
    u64 rows;
    u32 width;
    u32 columns;
};

struct Histogram {
    double sums[BINS];
    double squares;
    float edges[BINS];
    u32 counts[BINS];
    u32 nulls;
    u32 infinite;
    u32 least;
    u32 most;
};

// Finite numbers in the order of whole ones.
__device__ inline u32 height(float value) {
    const u32 bits = __float_as_uint(value);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// How many edges are not above a finite value; those that are not there are infinite.
__device__ inline u32 bin(const float* edges, float value) {
    u32 place = 0;
    for (u32 step = BINS / 2; step > 0; step /= 2) {
        place += value >= edges[place + step - 1] ? step : 0;
    }
    return place;
}

KERNEL(bins_count, Count) {
    DYNAMIC_SHARED(shared);
    Histogram* histograms = (Histogram*)shared;
    const u32 first = blockIdx.y * COLUMNS;
    const u32 here = a.columns - first < COLUMNS ? a.columns - first : COLUMNS;
    for (u32 place = threadIdx.x; place < here * BINS; place += blockDim.x) {
        Histogram& histogram = histograms[place / BINS];
        histogram.edges[place % BINS] = a.edges[first * BINS + place];
        histogram.counts[place % BINS] = 0;
        histogram.sums[place % BINS] = 0;
        if (place % BINS == 0) {
            histogram.squares = 0;
            histogram.nulls = 0;
            histogram.infinite = 0;
            histogram.least = NO_LEAST;
            histogram.most = NO_MOST;
        }
    }
    __syncthreads();
    const u32 column = threadIdx.x % COLUMNS, rows = blockDim.x / COLUMNS;
    if (column < here) {
        Histogram& histogram = histograms[column];
        const float* values = a.values + a.places[first + column];
        const double pivot = a.pivots[first + column];
        double squares = 0;
        u32 least = NO_LEAST, most = NO_MOST;
        const u64 step = (u64)gridDim.x * rows;
        for (u64 row = (u64)blockIdx.x * rows + threadIdx.x / COLUMNS; row < a.rows; row += step) {
            const float value = values[row * a.width];
            if (!(value - value == 0.0f)) {
                atomicAdd(value != value ? &histogram.nulls : &histogram.infinite, 1u);
                continue;
            }
            const double difference = (double)value - pivot;
            const u32 place = bin(histogram.edges, value), high = height(value);
            squares += difference * difference;
            least = high < least ? high : least;
            most = high > most ? high : most;
            atomicAdd(&histogram.counts[place], 1u);
            atomicAdd(&histogram.sums[place], difference);
        }
        atomicAdd(&histogram.squares, squares);
        atomicMin(&histogram.least, least);
        atomicMax(&histogram.most, most);
    }
    __syncthreads();
    for (u32 place = threadIdx.x; place < here * BINS; place += blockDim.x) {
        const Histogram& histogram = histograms[place / BINS];
        const u32 count = histogram.counts[place % BINS];
        if (count > 0) {
            atomicAdd(&a.counts[first * BINS + place], (u64)count);
            atomicAdd(&a.sums[first * BINS + place], histogram.sums[place % BINS]);
        }
        if (place % BINS == 0) {
            const u32 whole = first + place / BINS;
            atomicAdd(&a.squares[whole], histogram.squares);
            atomicAdd(&a.nulls[whole], (u64)histogram.nulls);
            atomicAdd(&a.infinite[whole], (u64)histogram.infinite);
            atomicMin(&a.least[whole], histogram.least);
            atomicMax(&a.most[whole], histogram.most);
        }
    }
}
