/* fuzz_core.c on COUNT random inputs, always the same, and on those in FILES: what any compiler can do in seconds,
 * without libFuzzer.
 *     random_core COUNT [FILE ...]
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGEST 4096 /* bytes of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes);

static uint64_t draw(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

int main(int argc, char **argv)
{
    static uint8_t data[LONGEST];
    const long count = argc > 1 ? atol(argv[1]) : 0;
    for (long i = 0; i < count; i++) {
        const size_t num_bytes = draw() % (LONGEST + 1);
        for (size_t j = 0; j < num_bytes; j++)
            data[j] = (uint8_t)draw();
        LLVMFuzzerTestOneInput(data, num_bytes);
    }
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            return 1;
        const size_t num_bytes = fread(data, 1, LONGEST, file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, num_bytes);
    }
    printf("%ld inputs\n", count + (argc > 2 ? argc - 2 : 0));
    return 0;
}
