// Forests: a thread has a row, and adds the leaves that its row reaches in the order of the trees.
//
// A block's rows lie in shared memory feature by feature, so that a warp's threads read different banks whatever features they
// ask for. Trees are brought there too, in groups; a tree that is too large is walked through where it is. A thread walks
// through several trees side by side, so that the loads of one hide behind those of the others.

// Trees that are walked through side by side.
#define ABREAST 4
#define MISSING_LEFT 0x80000000u
#define IS_SET 0x40000000u
#define LINK 0x3fffffffu

#if FEATURE_BITS == 32
typedef float X;
#else
typedef double X;
#endif
#if SUM_BITS == 32
typedef float T;
#else
typedef double T;
#endif

struct Walk {
    const void* nodes;
    const struct Root* roots;
    const struct Group* groups;
    const void* base;
    const void* values;
    const u32* set_ends;
    const u32* set_words;
    const u32* linear_at;
    const u32* linear_ends;
    const void* linear_without;
    const u32* term_features;
    const void* term_coefficients;
    const X* rows;
    void* out;
    u64 count;
    u32 features;
    u32 outputs;
    u32 group_count;
    u32 group_bytes;
    u32 feature_bits;
    u32 direct;
    u32 linear;
    u32 sums_shared;
};

struct Root {
    u32 node;
    u32 output;
    u32 width;
};

// Of a group that is not brought together, staged is 0.
struct Group {
    u32 first_tree;
    u32 end_tree;
    u32 first_node;
    u32 staged;
};

struct alignas(16) Quad {
    u32 words[4];
};

#if !WIDE
// In eight bytes: threshold, then flags, the way to the left child, and the feature, in one word.
struct alignas(8) Node {
    u32 number;
    u32 link;

    __device__ u32 delta(u32 feature_bits) const { return (link & LINK) >> feature_bits; }
    __device__ u32 feature(u32 feature_bits) const { return link & ((1u << feature_bits) - 1); }
    __device__ u32 flags() const { return link; }
    __device__ u32 low() const { return number; }
    __device__ X threshold() const { return __uint_as_float(number); }
};
#else
// In sixteen bytes.
struct alignas(16) Node {
#if FEATURE_BITS == 32
    u32 number;
    u32 flagged;
    u32 left;
    u32 nothing;

    __device__ u32 low() const { return number; }
    __device__ X threshold() const { return __uint_as_float(number); }
#else
    double number;
    u32 flagged;
    u32 left;

    __device__ u32 low() const { return (u32)(u64)__double_as_longlong(number); }
    __device__ X threshold() const { return number; }
#endif
    __device__ u32 delta(u32) const { return left; }
    __device__ u32 feature(u32) const { return flagged & LINK; }
    __device__ u32 flags() const { return flagged; }
};
#endif

// The value that a leaf holds in place of a threshold, where it is not wider than that.
#if SUM_BITS == 32
__device__ inline T held(const Node& node) { return __uint_as_float(node.low()); }
#else
__device__ inline T held(const Node& node) { return (T)node.threshold(); }
#endif

// A thread's row.
template <bool SHARED> struct Row {
    const X* values;
    u32 stride;

    __device__ X operator[](u32 feature) const { return SHARED ? values[feature * stride] : values[feature]; }
};

// Whether a number, cut to a whole one, is in a set.
__device__ __noinline__ bool is_in(const Walk& a, u32 set, X x) {
    if (!(x >= (X)0 && x < (X)16777216)) {
        return false;
    }
    const u32 category = (u32)x;
    const u32 first = a.set_ends[set], words = a.set_ends[set + 1] - first;
    return category / 32 < words && (a.set_words[first + category / 32] >> (category % 32) & 1);
}

__device__ inline bool goes_right(const Walk& a, const Node& node, X x) {
    const u32 flags = node.flags();
    bool right = !(x <= node.threshold());
    if (flags & IS_SET) {
        right = !is_in(a, node.low(), x);
    }
    return x != x ? !(flags & MISSING_LEFT) : right;
}

// The first value of a leaf that is linear for some rows.
template <class R> __device__ __noinline__ T linear_value(const Walk& a, u32 leaf, const R& row, T value) {
    const u32 number = a.linear_at[leaf];
    if (number == 0) {
        return value;
    }
    const u32 first = a.linear_ends[number - 1], end = a.linear_ends[number];
    for (u32 term = first; term < end; term++) {
        const X x = row[a.term_features[term]];
        if (x != x) {
            return ((const T*)a.linear_without)[number - 1];
        }
    }
    for (u32 term = first; term < end; term++) {
        value += ((const T*)a.term_coefficients)[term] * (T)row[a.term_features[term]];
    }
    return value;
}

// The sum of a forest of one output.
struct One {
    T sum;

    template <class R> __device__ void add(const Walk& a, u32, const Node& node, const R& row) {
        if (a.direct) {
            sum += held(node);
            return;
        }
        const T value = ((const T*)a.values)[node.low()];
        sum += a.linear ? linear_value(a, node.low(), row, value) : value;
    }
};

// The sums of a forest of several, in shared memory or where they are wanted.
struct Many {
    T* sums;
    u32 stride;

    template <class R> __device__ void add(const Walk& a, u32 tree, const Node& node, const R& row) {
        const Root root = a.roots[tree];
        T* out = sums + (u64)root.output * stride;
        if (a.direct) {
            *out += held(node);
            return;
        }
        const T* values = (const T*)a.values + node.low();
        *out += a.linear ? linear_value(a, node.low(), row, values[0]) : values[0];
        for (u32 place = 1; place < root.width; place++) {
            out[(u64)place * stride] += values[place];
        }
    }
};

// Adds a group's leaves for a thread's row.
template <class R, class Sums>
__device__ inline void add_group(const Walk& a, const Group& group, const Node* nodes, const R& row, Sums& sums) {
    for (u32 tree = group.first_tree; tree < group.end_tree; tree += ABREAST) {
        u32 at[ABREAST];
        Node node[ABREAST];
#pragma unroll
        for (u32 k = 0; k < ABREAST; k++) {
            // Beyond the last tree the last is walked through again, to no effect.
            const u32 there = tree + k < group.end_tree ? tree + k : group.end_tree - 1;
            at[k] = a.roots[there].node - group.first_node;
        }
        bool moving;
        do {
            moving = false;
#pragma unroll
            for (u32 k = 0; k < ABREAST; k++) {
                node[k] = nodes[at[k]];
                const u32 delta = node[k].delta(a.feature_bits);
                const bool right = goes_right(a, node[k], row[node[k].feature(a.feature_bits)]);
                at[k] += delta ? delta + right : 0;
                moving |= delta != 0;
            }
        } while (moving);
#pragma unroll
        for (u32 k = 0; k < ABREAST; k++) {
            if (tree + k < group.end_tree) {
                sums.add(a, tree + k, node[k], row);
            }
        }
    }
}

// Brings a block's rows together, feature by feature. A warp reads eight features of four rows, whole sectors of memory.
__device__ inline void bring_rows(const Walk& a, X* columns, u64 first, u32 here) {
    const u32 across = (a.features + 7) / 8, tiles = across * ((here + 3) / 4);
    const u32 lane = threadIdx.x % 32;
    for (u32 tile = threadIdx.x / 32; tile < tiles; tile += blockDim.x / 32) {
        const u32 row = tile / across * 4 + lane / 8, feature = tile % across * 8 + lane % 8;
        if (row < here && feature < a.features) {
            columns[feature * blockDim.x + row] = a.rows[(first + row) * a.features + feature];
        }
    }
}

// Brings a group's nodes together, sixteen bytes at a time.
__device__ inline void bring_nodes(const Walk& a, const Group& group, Node* nodes) {
    const Quad* from = (const Quad*)((const Node*)a.nodes + group.first_node);
    const u32 quads = group.staged * (u32)sizeof(Node) / (u32)sizeof(Quad);
    for (u32 quad = threadIdx.x; quad < quads; quad += blockDim.x) {
        ((Quad*)nodes)[quad] = from[quad];
    }
}

template <class R, class Sums>
__device__ inline void add_forest(const Walk& a, Node* staged, const R& row, bool active, Sums& sums) {
    for (u32 index = 0; index < a.group_count; index++) {
        const Group group = a.groups[index];
        if (group.staged) {
            // Nobody may still be reading the group before, or waiting for rows.
            __syncthreads();
            bring_nodes(a, group, staged);
            __syncthreads();
            if (active) {
                add_group(a, group, (const Node*)staged, row, sums);
            }
        } else if (active) {
            add_group(a, group, (const Node*)a.nodes + group.first_node, row, sums);
        }
    }
}

template <bool ROWS_SHARED, bool ONE> __device__ inline void predict(const Walk& a, u8* shared) {
    const u32 thread = threadIdx.x, threads = blockDim.x;
    const u64 first = (u64)blockIdx.x * threads;
    const u32 here = a.count - first < threads ? (u32)(a.count - first) : threads;
    const bool active = thread < here;
    Node* staged = (Node*)shared;
    X* columns = (X*)(shared + a.group_bytes);
    if (ROWS_SHARED) {
        bring_rows(a, columns, first, here);
        __syncthreads();
    }
    const Row<ROWS_SHARED> row = {ROWS_SHARED ? columns + thread : a.rows + (first + thread) * a.features, threads};
    const T* base = (const T*)a.base;
    T* out = (T*)a.out + first * a.outputs;
    if (ONE) {
        One sum = {base[0]};
        add_forest(a, staged, row, active, sum);
        if (active) {
            out[thread] = sum.sum;
        }
        return;
    }
    T* together = (T*)(columns + (ROWS_SHARED ? (u64)a.features * threads : 0));
    Many sums = {a.sums_shared ? together + thread : out + (u64)thread * a.outputs, a.sums_shared ? threads : 1};
    if (active) {
        for (u32 output = 0; output < a.outputs; output++) {
            sums.sums[(u64)output * sums.stride] = base[output];
        }
    }
    add_forest(a, staged, row, active, sums);
    if (a.sums_shared) {
        __syncthreads();
        for (u32 place = thread; place < here * a.outputs; place += threads) {
            out[place] = together[(u64)(place % a.outputs) * threads + place / a.outputs];
        }
    }
}

#define FOREST(name, ROWS_SHARED, ONE)                                                                                      \
    KERNEL(name, Walk) {                                                                                                    \
        DYNAMIC_SHARED(shared);                                                                                             \
        predict<ROWS_SHARED, ONE>(a, shared);                                                                               \
    }
#define FORESTS(name)                                                                                                       \
    FOREST(name##_shared_one, true, true)                                                                                   \
    FOREST(name##_shared_many, true, false)                                                                                 \
    FOREST(name##_global_one, false, true)                                                                                  \
    FOREST(name##_global_many, false, false)

#if FEATURE_BITS == 64 && SUM_BITS == 64
FORESTS(trees64_wide_f64)
#elif FEATURE_BITS == 64
FORESTS(trees64_wide_f32)
#elif WIDE && SUM_BITS == 64
FORESTS(trees32_wide_f64)
#elif WIDE
FORESTS(trees32_wide_f32)
#elif SUM_BITS == 64
FORESTS(trees32_narrow_f64)
#else
FORESTS(trees32_narrow_f32)
#endif
