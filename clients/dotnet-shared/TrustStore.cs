// The operating system's trust, as .NET on Linux sees it.

using System.Runtime.InteropServices;

namespace Wirelab;

static class TrustStore
{
    /// <summary>The variable that hands a case on to the process that comes after this one.</summary>
    public const string PendingCase = "WIRELAB_PENDING_CASE";

    /// <summary>
    /// Makes the authority one that the operating system trusts. .NET reads SSL_CERT_FILE once in a process. So
    /// where another one is in force, this process becomes a new one, with the case to do first.
    /// </summary>
    public static void TrustAlone(string authority, string pendingCase)
    {
        if (Environment.GetEnvironmentVariable("SSL_CERT_FILE") == authority)
        {
            return;
        }
        Set("SSL_CERT_FILE", authority);
        Set("SSL_CERT_DIR", "/nonexistent");
        Set(PendingCase, pendingCase);
        string?[] arguments = [.. File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0'), null];
        execv("/proc/self/exe", arguments);
        throw new InvalidOperationException($"cannot start anew: execv failed with {Marshal.GetLastPInvokeError()}");
    }

    static void Set(string name, string value)
    {
        if (setenv(name, value, 1) != 0)
        {
            throw new InvalidOperationException($"cannot set {name} in the environment");
        }
    }

    [DllImport("libc", SetLastError = true)]
    static extern int setenv(string name, string value, int overwrite);

    [DllImport("libc", SetLastError = true)]
    static extern int execv(string path, string?[] arguments);
}
