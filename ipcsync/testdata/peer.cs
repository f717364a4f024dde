// The .NET side of the tests: does what each line of its standard input says, "COMMAND
// ARGUMENT…", with one named semaphore, mutex or event, and answers with one line.
using System;
using System.IO;
using System.Threading;

static class Peer
{
    static WaitHandle handle;

    static void Main()
    {
        var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var input = new StreamReader(Console.OpenStandardInput());
        for (string line; (line = input.ReadLine()) != null;)
        {
            try
            {
                output.WriteLine(Do(line.Split(' ')));
            }
            catch (Exception e)
            {
                output.WriteLine(e.GetType().Name);
            }
        }
    }

    static string Do(string[] words)
    {
        var name = words.Length > 2 ? words[2] : "";
        switch (words[0])
        {
            case "create":
                handle = Create(words[1], name);
                Own.Set(handle.SafeWaitHandle);
                break;
            case "open":
                handle = Open(words[1], name);
                break;
            case "wait":
                handle.WaitOne();
                break;
            case "try":
                return handle.WaitOne(0) ? "done" : "busy";
            case "release":
                return ((Semaphore)handle).Release(int.Parse(words[1])).ToString();
            case "unlock":
                ((Mutex)handle).ReleaseMutex();
                break;
            case "set":
                ((EventWaitHandle)handle).Set();
                break;
            case "reset":
                ((EventWaitHandle)handle).Reset();
                break;
            case "close":
                handle.Dispose();
                break;
            default:
                throw new ArgumentException(words[0]);
        }
        return "done";
    }

    static WaitHandle Create(string kind, string name)
    {
        switch (kind)
        {
            case "semaphore": return new Semaphore(0, 10, name);
            case "mutex": return new Mutex(false, name);
            case "auto": return new EventWaitHandle(false, EventResetMode.AutoReset, name);
            case "manual": return new EventWaitHandle(false, EventResetMode.ManualReset, name);
        }
        throw new ArgumentException(kind);
    }

    static WaitHandle Open(string kind, string name)
    {
        switch (kind)
        {
            case "semaphore": return Semaphore.OpenExisting(name);
            case "mutex": return Mutex.OpenExisting(name);
            case "auto":
            case "manual": return EventWaitHandle.OpenExisting(name);
        }
        throw new ArgumentException(kind);
    }
}
